// Node `ws`: a room is a path; what is published to Redis for a room goes to its sockets.
// FRAMING=framed frames a message once and writes the same bytes to every socket; `naive` calls send() for each.

import { Sender, WebSocket, WebSocketServer } from "ws";
import { redis } from "./servers.js";

const framed = process.env.FRAMING === "framed";
const rooms = new Map();
const subscriber = await redis();

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  perMessageDeflate: false,
  backlog: 4096,
});

function deliver(room, text) {
  if (!framed) {
    for (const socket of room) if (socket.readyState === WebSocket.OPEN) socket.send(text);
    return;
  }
  const parts = Sender.frame(Buffer.from(text), { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true });
  const bytes = Buffer.concat(parts);
  for (const socket of room) if (socket.readyState === WebSocket.OPEN) socket._socket.write(bytes);
}

server.on("connection", (socket, request) => {
  const name = decodeURIComponent(request.url.split("/").pop());
  let room = rooms.get(name);
  if (room === undefined) {
    room = new Set();
    rooms.set(name, room);
    subscriber.subscribe(`room:${name}`, (text) => deliver(rooms.get(name), text));
  }
  room.add(socket);
  socket.on("error", () => socket.terminate());
  socket.on("close", () => room.delete(socket));
});

server.on("listening", () => console.log("ready"));
process.on("SIGTERM", () => process.exit(0));
