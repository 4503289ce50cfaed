// Stock clients on two servers: each message goes out at its planned moment, whatever became of the
// ones before it, and is timed from that moment until each member of its conversation has seen it.
// One line of JSON in (a file), one line of JSON out.
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const { servers, sockets, messages, perSecond, patienceSeconds } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
);
const planned = new Map();
const latencies = [];
const seen = new Set();
let wrong = 0;
let measuring = false;

function hear(member, event) {
  const now = performance.now();
  const { client_id: name, text } = event.message ?? {};
  if (!measuring || !planned.has(name) || (event.kind && event.kind !== "message_sent")) return;
  const key = `${name}:${member}`;
  if (seen.has(key) || !text) wrong += 1;
  seen.add(key);
  latencies.push(now - planned.get(name));
}

async function connect(described, member) {
  const socket = io(servers[described.server], {
    auth: described.auth,
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  socket.on("chat.event", (event) => hear(member, event));
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", (error) => reject(new Error(`${error.message} ${JSON.stringify(error.data)}`)));
  });
  socket.on("disconnect", (reason) => {
    if (reason !== "io client disconnect") console.error(`disconnected: ${reason}`);
  });
  return socket;
}

const connected = [];
for (let start = 0; start < sockets.length; start += 50) {
  const some = sockets.slice(start, start + 50).map((one, index) => connect(one, start + index));
  connected.push(...(await Promise.all(some)));
}

function send(number, warm) {
  const member = (number * 7919) % sockets.length;
  const name = `${warm ? "warm" : "message"}-${number}`;
  if (!warm) planned.set(name, performance.now());
  return connected[member].emitWithAck("chat.send", {
    conversation_id: sockets[member].conversation,
    client_id: name,
    text: "Two loaves of rye, please, and one of wheat.",
  });
}

for (let number = 0; number < Math.min(200, sockets.length); number++) {
  const answer = await send(number, true);
  if (!answer.ok) throw new Error(JSON.stringify(answer));
}
await new Promise((resolve) => setTimeout(resolve, 1000));

measuring = true;
const began = performance.now();
const acknowledged = [];
for (let number = 0; number < messages; number++) {
  const wait = began + (number * 1000) / perSecond - performance.now();
  if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
  acknowledged.push(send(number, false));
}
const answers = await Promise.all(acknowledged);
const expected = messages * (sockets.length / new Set(sockets.map((one) => one.conversation)).size);
const deadline = performance.now() + patienceSeconds * 1000;
while (latencies.length < expected && performance.now() < deadline) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
for (const socket of connected) socket.disconnect();
console.log(
  JSON.stringify({
    sent: messages,
    refused: answers.filter((answer) => !answer.ok).length,
    expected,
    seen: seen.size,
    wrong,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  }),
);
process.exit(0);
