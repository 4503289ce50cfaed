// Two people on two API processes, each with the stock client: everything they hear, as one JSON line.
import { io } from "socket.io-client";

const { urls, tokens, conversation, messages } = JSON.parse(process.argv[2]);
const heard = tokens.map(() => []);
const typing = [];

function connect(person, options = {}) {
  const socket = io(urls[person], { auth: { token: tokens[person] }, forceNew: true, ...options });
  socket.on("chat.event", (event) => heard[person].push(event));
  socket.on("chat.typing", (told) => typing.push(told));
  return new Promise((resolve, reject) => {
    socket.on("connect", () => resolve(socket));
    socket.on("connect_error", (error) => reject(new Error(JSON.stringify([error.message, error.data]))));
  });
}

async function until(condition, what) {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const refused = await connect(0, { auth: { token: "nobody's" } }).catch((error) => JSON.parse(error.message));
const ada = await connect(0); // begins with HTTP long-polling, and upgrades
let grace = await connect(1, { transports: ["websocket"] });

const acknowledged = [];
for (let number = 0; number < messages; number++) {
  const sender = number % 2 ? grace : ada;
  acknowledged.push(
    await sender.emitWithAck("chat.send", { conversation_id: conversation, client_id: `${number}`, text: `${number}` }),
  );
}
await until(() => heard.every((events) => events.length === messages), "every message at both");
const transport = ada.io.engine.transport.name;

await grace.emitWithAck("chat.typing", { conversation_id: conversation });
await until(() => typing.length === 1, "typing in the other process");

grace.disconnect();
for (let number = 0; number < 3; number++) {
  await ada.emitWithAck("chat.send", { conversation_id: conversation, client_id: `away-${number}`, text: "away" });
}
grace = await connect(1, { transports: ["polling"] }); // never upgrades
const caughtUp = await grace.emitWithAck("chat.catch_up", {
  positions: [{ conversation_id: conversation, after: messages }],
});
await ada.emitWithAck("chat.send", { conversation_id: conversation, client_id: "back", text: "back" });
await until(() => heard[1].length === messages + 1, "a message over long-polling");

ada.disconnect();
grace.disconnect();
console.log(JSON.stringify({ refused, acknowledged, heard, typing, caughtUp, transport }));
process.exit(); // the last poll of a client that left is answered only 45 s later
