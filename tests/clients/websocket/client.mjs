// npm's ws and Node's own WebSocket at /v1/ws, OpenAI's own clients at /v1/realtime.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import net from "node:net";
import { WebSocket as Ws } from "ws";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { OpenAIRealtimeWS as BetaRealtimeWS } from "openai/beta/realtime/ws";
import { check, stoppedEarly, story, url, weather } from "../checks.mjs";

if (!globalThis.WebSocket) {
  // Before Node 22 its own WebSocket has to be asked for.
  process.exit(spawnSync(process.execPath, ["--experimental-websocket", "--no-warnings", ...process.argv.slice(1)], { stdio: "inherit" }).status ?? 1);
}

const address = url.replace("http", "ws");
const request = { messages: [{ role: "user", content: story }], temperature: 0, max_tokens: 60 };

const tool = { name: weather.name, description: weather.description, parameters: weather.schema };
const call = { ...request, tools: [{ type: "function", function: tool }], tool_choice: { type: "function", function: { name: tool.name } } };

/** A connection whose messages can be awaited one by one; the same for both libraries. */
async function connect(Socket, path = "/v1/ws") {
  const socket = new Socket(address + path);
  const messages = [], waiting = [];
  let isClosed = false;
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    waiting.length > 0 ? waiting.shift().resolve(message) : messages.push(message);
  });
  const closed = new Promise(resolve => socket.addEventListener("close", ({ code }) => {
    isClosed = true;
    waiting.forEach(({ reject }) => reject(new Error(`closed with ${code}`)));
    resolve(code);
  }));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const next = () => messages.length > 0 ? Promise.resolve(messages.shift())
    : isClosed ? Promise.reject(new Error("closed"))
    : new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  return {
    socket, closed, next,
    send: message => socket.send(JSON.stringify(message)),
    async until(type, seen = []) {
      while (seen.at(-1)?.type !== type) seen.push(await next());
      return seen;
    },
  };
}

const textOf = messages => messages.flatMap(message => message.parts ?? []).map(part => part.text ?? "").join("");

/** What the answer is over HTTP. */
async function overHttp(body = request) {
  const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  return (await response.json()).choices[0].message;
}

for (const [name, Socket] of [["ws", Ws], ["Node's own WebSocket", WebSocket]]) {
  await check(`${name} streams what HTTP answers`, async () => {
    const client = await connect(Socket);
    client.send({ type: "start", ref: "a", request });
    const told = await client.until("finished");
    assert.equal(told[0].type, "accepted");
    assert.equal(told[0].ref, "a");
    assert.deepEqual(told.slice(1).map(message => message.event), told.slice(1).map((_, index) => index + 1));
    assert.ok(told.length > 10);
    assert.equal(textOf(told), (await overHttp()).content);
    assert.ok(told.at(-1).usage.completion_tokens > 10);
    client.socket.close(1000);
    assert.equal(await client.closed, 1000);
  });

  await check(`${name} carries many streams, and one without credit holds nobody`, async () => {
    const client = await connect(Socket);
    client.send({ type: "start", ref: "slow", request, credit: 3 });
    for (let i = 0; i < 4; i++) client.send({ type: "start", ref: `fast ${i}`, request: { ...request, max_tokens: 30 } });
    const refs = {}, events = {};
    let finished = 0;
    while (finished < 4) {
      const message = await client.next();
      if (message.type === "accepted") refs[message.stream] = message.ref;
      else (events[refs[message.stream]] ??= []).push(message);
      if (message.type === "finished") finished++;
    }
    assert.equal(events.slow.length, 3);
    const [slow] = Object.entries(refs).find(([, ref]) => ref === "slow");
    client.send({ type: "credit", stream: slow, events: 1000 });
    const rest = await client.until("finished");
    assert.equal(rest[0].event, 4);
    assert.equal(textOf([...events.slow, ...rest]), (await overHttp()).content);
    client.socket.close();
  });

  await check(`${name} is cut and attaches again`, async () => {
    const first = await connect(Socket);
    first.send({ type: "start", request, tokens_per_second: 100 });
    const told = [];
    while ((told.at(-1)?.event ?? 0) < 8) told.push(await first.next());
    first.socket.terminate ? first.socket.terminate() : first.socket.close();
    const second = await connect(Socket);
    second.send({ type: "attach", stream: told[0].stream, after: 8 });
    assert.equal((await second.next()).type, "attached");
    const rest = await second.until("finished");
    assert.equal(textOf([...told, ...rest]), (await overHttp()).content);
    second.socket.close();
  });

  await check(`${name} sees calls of tools stream`, async () => {
    const client = await connect(Socket);
    client.send({ type: "start", request: call });
    const parts = (await client.until("finished")).flatMap(message => message.parts ?? []);
    const [named, ...pieces] = parts.filter(part => part.type.startsWith("tool_"));
    assert.deepEqual([named.type, named.index, named.name], ["tool_call", 0, weather.name]);
    assert.ok(pieces.length > 3, `${pieces.length} pieces are no stream.`);
    assert.equal(pieces.map(piece => piece.text).join(""), (await overHttp(call)).tool_calls[0].function.arguments);
    client.socket.close();
  });

  await check(`${name} stops in the middle`, async () => {
    const client = await connect(Socket);
    client.send({ type: "start", request: { ...request, max_tokens: 400, ignore_eos: true }, tokens_per_second: 50 });
    const { stream } = await client.next();
    await client.until("delta");
    client.send({ type: "stop", stream });
    assert.equal((await client.until("finished")).at(-1).state, "cancelled");
    await stoppedEarly(stream, 400);
    client.socket.close();
  });

  await check(`${name} gets a clear error for bad input`, async () => {
    const client = await connect(Socket);
    client.send({ type: "start", ref: "bad", request: { ...request, temperature: -1 } });
    const { type, ref, error } = await client.next();
    assert.deepEqual([type, ref, error.param], ["error", "bad", "temperature"]);
    client.socket.send("{");
    assert.match((await client.next()).error.message, /not valid JSON/);
    client.socket.send(new Uint8Array(3));
    assert.equal(await client.closed, 1003);
  });
}

await check("ws is refused with another page's Origin", async () => {
  const socket = new Ws(`${address}/v1/ws`, { origin: "https://evil.example" });
  const fault = await new Promise(resolve => socket.on("error", resolve));
  assert.match(fault.message, /403/);
});

// OpenAI's clients always speak TLS, which is a proxy's part here: they are shown past it.
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none" });
const { hostname, port } = new URL(url);
const plain = { options: { createConnection: () => net.connect({ host: hostname, port: Number(port) }) } };
const realtime = [
  ["OpenAIRealtimeWS", () => new OpenAIRealtimeWS({ model: "any", ...plain }, openai), false],
  ["OpenAIRealtimeWebSocket", () => new OpenAIRealtimeWebSocket({ model: "any", dangerouslyAllowBrowser: true, onURL: target => { target.protocol = "ws:"; } }, openai), false],
  ["beta OpenAIRealtimeWS", () => new BetaRealtimeWS({ model: "any", ...plain }, openai), true],
];

for (const [name, open, isBeta] of realtime) {
  await check(`${name} converses`, async () => {
    const session = open();
    const events = [], waiting = [];
    const add = event => {
      events.push(event);
      for (const wait of waiting.splice(0)) wait();
    };
    session.on("error", fault => add({ type: "error", fault }));
    session.on("event", event => event.type === "error" || add(event));
    const until = async type => {
      // Several may arrive at once: the one that is waited for need not be the last.
      let index;
      while ((index = events.findIndex(event => event.type === type || event.type === "error")) < 0) await new Promise(resolve => waiting.push(resolve));
      if (events[index].type !== type) throw events[index].fault;
      return events.splice(0, index + 1);
    };

    const ask = async () => {
      session.send({ type: "response.create" });
      return until("response.done");
    };
    await until("session.created");
    const settings = isBeta ? { modalities: ["text"], max_response_output_tokens: 40 } : { type: "realtime", output_modalities: ["text"], max_output_tokens: 40 };
    session.send({ type: "session.update", session: settings });
    await until("session.updated");
    session.send({ type: "conversation.item.create", item: { type: "message", role: "user", content: [{ type: "input_text", text: story }] } });
    await until(isBeta ? "conversation.item.created" : "conversation.item.done");
    const told = await ask();
    const delta = isBeta ? "response.text.delta" : "response.output_text.delta", done = isBeta ? "response.text.done" : "response.output_text.done";
    const deltas = told.filter(event => event.type === delta);
    assert.ok(deltas.length > 5);
    assert.equal(deltas.map(event => event.delta).join(""), told.find(event => event.type === done).text);
    assert.equal(told[0].type, "response.created");
    assert.ok(told.at(-1).response.usage.output_tokens > 5);

    const aside = [{ type: "message", role: "user", content: [{ type: "input_text", text: story }] }];
    session.send({ type: "response.create", response: { conversation: "none", input: aside, [isBeta ? "max_response_output_tokens" : "max_output_tokens"]: "inf" } });
    const [{ response_id }] = (await until(delta)).slice(-1);
    session.send({ type: "response.cancel", response_id });
    assert.equal((await until("response.done")).at(-1).response.status, "cancelled");

    session.send({ type: "response.create", response: { conversation: "none", input: aside, tools: [{ type: "function", ...tool }], tool_choice: { type: "function", name: tool.name } } });
    const called = await until("response.done");
    const pieces = called.filter(event => event.type === "response.function_call_arguments.delta");
    const { name: calledName, arguments: whole } = called.at(-1).response.output.find(item => item.type === "function_call");
    assert.equal(calledName, tool.name);
    assert.ok(pieces.length > 3, `${pieces.length} pieces are no stream.`);
    assert.equal(pieces.map(event => event.delta).join(""), whole);

    session.send({ type: "session.update", session: isBeta ? { modalities: ["audio"] } : { type: "realtime", output_modalities: ["audio"] } });
    while (events.at(-1)?.type !== "error") await new Promise(resolve => setTimeout(resolve, 10));
    assert.match(events.at(-1).fault.message, /Audio is not supported/);
    session.close();
  });
}
