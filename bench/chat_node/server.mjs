// A plain Socket.IO server with the Redis adapter. It relays a message to its room; with
// DATABASE_URL it first writes it to PostgreSQL, numbered within its conversation.
// It trusts whoever connects, checks nothing, and keeps no event log.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, REDIS_URL, DATABASE_URL } = process.env;
const publisher = createClient({ url: REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);
const pool = DATABASE_URL ? new pg.Pool({ connectionString: DATABASE_URL, max: 10 }) : null;

async function keep(message) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const numbered = await client.query(
      "UPDATE node_conversations SET last_seq = last_seq + 1 WHERE id = $1 RETURNING last_seq",
      [message.conversation_id],
    );
    const seq = numbered.rows[0].last_seq;
    await client.query(
      "INSERT INTO node_messages (conversation_id, seq, client_id, text) VALUES ($1, $2, $3, $4)",
      [message.conversation_id, seq, message.client_id, message.text],
    );
    await client.query("COMMIT");
    return seq;
  } finally {
    client.release();
  }
}

const http = createServer((request, response) => response.end("ok"));
const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });
io.on("connection", (socket) => {
  socket.join(socket.handshake.auth.room);
  socket.on("chat.send", async (message, acknowledge) => {
    const seq = pool ? await keep(message) : 0;
    io.to(message.conversation_id).emit("chat.event", { seq, message });
    acknowledge({ ok: true, seq });
  });
});
http.listen(Number(PORT), "127.0.0.1");
