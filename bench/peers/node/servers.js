// What the Node peers share: their connections to Redis and PostgreSQL, and how a message is made durable.

import pg from "pg";
import { createClient } from "redis";

const INSERT = `
  WITH bumped AS (UPDATE room SET last_seq = last_seq + 1 WHERE name = $1 RETURNING last_seq)
  INSERT INTO message (room, seq, body, created_at) SELECT $1, last_seq, $2, now() FROM bumped RETURNING seq`;

// Rooms are locked in the order of their names, as ours are: else two such batches could deadlock.
const INSERT_MANY = `
  WITH item AS (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (room, body, place)),
  numbered AS (SELECT *, row_number() OVER (PARTITION BY room ORDER BY place) AS n FROM item),
  held AS (SELECT name FROM room WHERE name IN (SELECT room FROM item) ORDER BY name FOR NO KEY UPDATE),
  bumped AS (
    UPDATE room SET last_seq = last_seq + wanted.n
    FROM (SELECT room, count(*) AS n FROM item GROUP BY room) AS wanted, held
    WHERE room.name = wanted.room AND held.name = room.name
    RETURNING room.name, room.last_seq - wanted.n AS before),
  stored AS (
    INSERT INTO message (room, seq, body, created_at)
    SELECT room, before + n, body, now() FROM numbered JOIN bumped ON bumped.name = numbered.room)
  SELECT before + n AS seq FROM numbered JOIN bumped ON bumped.name = numbered.room ORDER BY place`;

const MOST_IN_A_BATCH = 500;

/** A connected Redis client. */
export async function redis() {
  const client = createClient({ url: process.env.REDIS_URL });
  client.on("error", (error) => console.error(error.message));
  await client.connect();
  return client;
}

/** How a message becomes durable: `none`, `statement` (one statement and commit each) or `batch` (what queued meanwhile). */
export function store(kind) {
  if (kind === "none") return null;
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
  return kind === "batch" ? inBatches(pool) : oneByOne(pool);
}

function oneByOne(pool) {
  return async (room, body) => {
    const { rows } = await pool.query({ name: "insert", text: INSERT, values: [room, body] });
    return Number(rows[0].seq);
  };
}

function inBatches(pool) {
  let waiting = [];
  let busy = false;

  async function work() {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MOST_IN_A_BATCH);
      const values = [batch.map((item) => item.room), batch.map((item) => item.body)];
      try {
        const { rows } = await pool.query({ name: "insert-many", text: INSERT_MANY, values });
        batch.forEach((item, index) => item.resolve(Number(rows[index].seq)));
      } catch (error) {
        batch.forEach((item) => item.reject(error));
      }
    }
    busy = false;
  }

  return (room, body) =>
    new Promise((resolve, reject) => {
      waiting.push({ room, body, resolve, reject });
      if (!busy) work();
    });
}
