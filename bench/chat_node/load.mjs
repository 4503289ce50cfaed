// Stock clients on two servers. Messages are planned at random moments, the same in each run; each
// goes out at its moment, whatever became of the ones before it, and is timed from that moment
// until each member of its conversation has seen it.
// One JSON file in; one line of JSON out when the load begins, and one for each rate.
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const { servers, sockets, members, rates, seconds, patienceSeconds } = JSON.parse(
  readFileSync(process.argv[2], "utf8"),
);
const TEXT = "Two loaves of rye, please, and one of wheat.";
const WARM_MESSAGES = 400;

let heard = newlyHeard();

function newlyHeard() {
  return { planned: new Map(), latencies: [], seen: new Set(), wrong: 0 };
}

function hear(member, event) {
  const now = performance.now();
  const { client_id: name, text } = event.message ?? {};
  if (!heard.planned.has(name) || (event.kind && event.kind !== "message_sent")) return;
  const key = `${name}:${member}`;
  if (heard.seen.has(key) || text !== TEXT) heard.wrong += 1;
  heard.seen.add(key);
  heard.latencies.push(now - heard.planned.get(name));
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
    socket.on("connect_error", (error) =>
      reject(new Error(`${error.message} ${JSON.stringify(error.data)}`)),
    );
  });
  socket.on("disconnect", (reason) => {
    if (reason !== "io client disconnect") console.error(`disconnected: ${reason}`);
  });
  return socket;
}

function send(number, name) {
  const member = (number * 7919) % sockets.length;
  return connected[member].emitWithAck("chat.send", {
    conversation_id: sockets[member].conversation,
    client_id: name,
    text: TEXT,
  });
}

// mulberry32: random numbers that are the same in each run
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function percentile(values, percent) {
  const ordered = values.toSorted((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil((ordered.length * percent) / 100) - 1)];
}

async function load(perSecond) {
  heard = newlyHeard();
  const messages = Math.round(perSecond * seconds);
  const random = randomNumbers(perSecond);
  const acknowledged = [];
  const acknowledgedAfter = [];
  let due = performance.now();
  for (let number = 0; number < messages; number++) {
    due += (-Math.log(1 - random()) * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    const name = `${perSecond}-${number}-${process.pid}`;
    const planned = Math.min(due, performance.now());
    heard.planned.set(name, planned);
    acknowledged.push(
      send(number, name).then((answer) => {
        acknowledgedAfter.push(performance.now() - planned);
        return answer;
      }),
    );
  }
  const answers = await Promise.all(acknowledged);
  const expected = messages * members;
  const deadline = performance.now() + patienceSeconds * 1000;
  while (heard.latencies.length < expected && performance.now() < deadline) await sleep(20);
  return {
    perSecond,
    sent: messages,
    refused: answers.filter((answer) => !answer.ok).length,
    expected,
    seen: heard.seen.size,
    wrong: heard.wrong,
    p50: percentile(heard.latencies, 50),
    p99: percentile(heard.latencies, 99),
    max: percentile(heard.latencies, 100),
    acknowledgedP99: percentile(acknowledgedAfter, 99),
  };
}

const connected = [];
for (let start = 0; start < sockets.length; start += 50) {
  const some = sockets.slice(start, start + 50).map((one, index) => connect(one, start + index));
  connected.push(...(await Promise.all(some)));
}
for (let number = 0; number < WARM_MESSAGES; number++) {
  const answer = await send(number, `warm-${number}-${process.pid}`);
  if (!answer.ok) throw new Error(JSON.stringify(answer));
}
await sleep(2000);
console.log(JSON.stringify({ warmed: WARM_MESSAGES }));
for (const perSecond of rates) {
  console.log(JSON.stringify(await load(perSecond)));
}
for (const socket of connected) socket.disconnect();
process.exit(0);
