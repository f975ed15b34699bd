// Socket.IO with the Redis adapter. DURABLE=none|statement|batch says how a message that is sent becomes durable.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Server } from "socket.io";
import { redis, store } from "./servers.js";

const insert = store(process.env.DURABLE ?? "none");
const adapter = createAdapter(await redis(), await redis());
const http = createServer();
const io = new Server(http, { adapter, transports: ["websocket"], perMessageDeflate: false, serveClient: false });

io.on("connection", (socket) => {
  socket.join(socket.handshake.query.room);
  socket.conn.request = null; // Their own advice for memory.
  socket.on("send", async ({ room, body }, acknowledge) => {
    try {
      const seq = await insert(room, body);
      io.to(room).emit("message", { room, seq, sender: socket.id, body });
      acknowledge({ seq });
    } catch (error) {
      console.error(error.message);
    }
  });
});

http.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 }, () => console.log("ready"));
process.on("SIGTERM", () => process.exit(0));
