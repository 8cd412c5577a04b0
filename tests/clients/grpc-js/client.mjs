// gRPC's own client for Node: Sluice's service and the Open Inference Protocol.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";
import { check, ended, fault, story, weather } from "../checks.mjs";

const address = process.env.SLUICE_GRPC ?? "127.0.0.1:50051";
const root = fileURLToPath(new URL("../../../protos", import.meta.url));
const definition = loader.loadSync(
  ["sluice/v1/inference.proto", "inference/open_inference_grpc.proto", "grpc/health/v1/health.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"],
  { includeDirs: [root], keepCase: true, longs: Number, enums: String, oneofs: true, defaults: true });
const { sluice, inference, grpc: standard } = grpc.loadPackageDefinition(definition);
const credentials = grpc.credentials.createInsecure();
const client = new sluice.v1.Inference(address, credentials);
const open = new inference.GRPCInferenceService(address, credentials);
const health = new standard.health.v1.Health(address, credentials);
const ask = { conversation: { messages: [{ role: "user", content: story }] }, temperature: 0, max_tokens: 60 };
const long = { ...ask, max_tokens: 900, ignore_eos: true };

const unary = (service, method, request, options = {}) => new Promise((resolve, reject) =>
  service[method](request, new grpc.Metadata(), options, (error, answer) => error ? reject(error) : resolve(answer)));

/** All messages of a call, and the status that it ended with. */
function all(call) {
  const messages = [];
  return new Promise(resolve => {
    let fault = null;
    call.on("data", message => messages.push(message));
    call.on("error", error => fault = error);
    call.on("status", status => resolve({ messages, status, fault }));
  });
}

const textOf = events => events.flatMap(event => event.delta?.parts ?? []).map(part => part.content ?? "").join("");

/** The details of a status, by the names of their types. */
function details(error) {
  const decode = (name, bytes) => definition[name].deserialize(bytes);
  const [status] = error.metadata.get("grpc-status-details-bin");
  return Object.fromEntries(decode("google.rpc.Status", status).details.map(detail => {
    const name = detail.type_url.split("/").at(-1);
    return [name, decode(name, detail.value)];
  }));
}

let whole = [];

await check("grpc-js streams events in their order", async () => {
  const call = client.Generate(ask);
  let metadata;
  call.on("metadata", value => metadata = value);
  const { messages, status } = await all(call);
  whole = messages;

  assert.equal(status.code, grpc.status.OK);
  assert.deepEqual(messages.map(event => event.number), messages.map((_, index) => index + 1));
  assert.equal(messages[0].kind, "started");
  assert.equal(messages.at(-1).kind, "finished");
  assert.ok(messages.length > 10 && textOf(messages).length > 40);
  assert.equal(messages.at(-1).finished.usage.completion_tokens, messages.length > 60 ? 60 : messages.at(-1).finished.usage.completion_tokens);
  assert.equal(metadata.get("sluice-stream")[0], messages[0].stream);
});

await check("grpc-js stops in the middle by cancelling", async () => {
  const call = client.Generate(long);
  let id;
  const end = all(call);
  call.on("data", event => {
    id = event.stream;
    if (event.number === 5) call.cancel();
  });
  assert.equal((await end).status.code, grpc.status.CANCELLED);
  const state = await ended(id);
  assert.equal(state.state, "cancelled");
  assert.equal(state.stopped_by, "request");
  assert.ok(state.usage.completion_tokens < 900);
});

await check("grpc-js stops in the middle by StopStream", async () => {
  const call = client.Generate(long);
  call.on("data", event => { if (event.number === 5) unary(client, "StopStream", { stream: event.stream }); });
  const { messages, status } = await all(call);
  assert.equal(status.code, grpc.status.CANCELLED);
  assert.equal(messages.at(-2).delta.finish_reason, "FINISH_REASON_CANCELLED");
  assert.equal((await unary(client, "GetStream", { stream: messages[0].stream })).state, "cancelled");
});

await check("grpc-js stops at its deadline", async () => {
  const call = client.Generate({ ...long, n: 8, max_tokens: 1_000_000 }, { deadline: Date.now() + 500 });
  const { messages, status } = await all(call);
  assert.equal(status.code, grpc.status.DEADLINE_EXCEEDED);
  assert.ok(messages.length > 1);
  assert.equal((await ended(messages[0].stream)).state, "cancelled");
});

await check("grpc-js is told which field is wrong", async () => {
  const { fault } = await all(client.Generate({ ...ask, temperature: -1 }));
  assert.equal(fault.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(fault.details, "temperature is -1; it must be from 0 to 100.");
  assert.equal(details(fault)["google.rpc.BadRequest"].field_violations[0].field, "temperature");
});

await check("grpc-js is told of a prompt that is too long", async () => {
  const { fault } = await all(client.Generate({ prompt: "word ".repeat(20_000) }));
  assert.equal(fault.code, grpc.status.INVALID_ARGUMENT);
  assert.equal(details(fault)["google.rpc.ErrorInfo"].reason, "CONTEXT_LENGTH_EXCEEDED");
});

await check("grpc-js is told of methods and streams that there are not", async () => {
  const none = new grpc.Client(address, credentials);
  const unknown = await fault(new Promise((resolve, reject) =>
    none.makeUnaryRequest("/sluice.v1.Inference/Sing", x => x, x => x, Buffer.alloc(0), (error, answer) => error ? reject(error) : resolve(answer))));
  assert.equal(unknown.code, grpc.status.UNIMPLEMENTED);
  assert.match(unknown.details, /no method \/sluice.v1.Inference\/Sing/);
  assert.equal((await fault(unary(client, "GetStream", { stream: "none" }))).code, grpc.status.NOT_FOUND);
});

await check("grpc-js reads a stream on from any event", async () => {
  for (const after of [0, 1, 7, whole.length - 1]) {
    const chat = client.Chat();
    const end = all(chat);
    chat.write({ tag: "again", attach: { stream: whole[0].stream, after } });
    chat.end();
    const { messages, status } = await end;
    assert.equal(status.code, grpc.status.OK);
    assert.deepEqual(messages.map(message => message.event), whole.slice(after));
  }
});

await check("grpc-js carries many streams over one call, each at its own pace", async () => {
  const chat = client.Chat();
  const end = all(chat);
  const counts = {};
  const finished = new Promise(resolve => chat.on("data", ({ tag, event, error }) => {
    assert.ok(!error);
    counts[tag] = (counts[tag] ?? 0) + 1;
    if (tag === "fast" && event.kind === "finished") resolve();
  }));
  chat.write({ tag: "held", start: { request: ask, credit: 3 } });
  chat.write({ tag: "fast", start: { request: ask } });
  await finished;
  assert.equal(counts.held, 3);
  chat.write({ tag: "held", credit: { events: 100_000 } });
  chat.end();
  const { messages, status } = await end;
  assert.equal(status.code, grpc.status.OK);
  const texts = ["held", "fast"].map(tag => textOf(messages.filter(message => message.tag === tag).map(message => message.event)));
  assert.equal(texts[0], texts[1]);
});

await check("grpc-js stops one stream of a call, and the others go on", async () => {
  const chat = client.Chat();
  const end = all(chat);
  chat.on("data", ({ tag, event }) => { if (tag === "stopped" && event?.number === 5) chat.write({ tag, stop: {} }); });
  chat.write({ tag: "stopped", start: { request: long } });
  chat.write({ tag: "other", start: { request: ask } });
  chat.write({ tag: "wrong", start: { request: { prompt: "x", top_p: 2 } } });
  chat.write({ tag: "nobody", stop: {} });
  let ends = 0;
  await new Promise(resolve => chat.on("data", ({ event }) => { if (event?.kind === "finished" && ++ends === 2) resolve(); }));
  chat.end();
  const { messages, status } = await end;
  const of = tag => messages.filter(message => message.tag === tag);
  assert.equal(status.code, grpc.status.OK);
  assert.equal(of("stopped").at(-2).event.delta.finish_reason, "FINISH_REASON_CANCELLED");
  assert.equal(textOf(of("other").map(message => message.event)), textOf(whole));
  assert.deepEqual([of("wrong")[0].error.status, of("wrong")[0].error.field], [grpc.status.INVALID_ARGUMENT, "top_p"]);
  assert.equal(of("nobody")[0].error.status, grpc.status.NOT_FOUND);
});

await check("grpc-js starts nothing twice with an idempotency-key", async () => {
  const metadata = new grpc.Metadata();
  metadata.set("idempotency-key", "grpc-js");
  const [first, second] = await Promise.all([all(client.Generate(ask, metadata)), all(client.Generate(ask, metadata))]);
  assert.equal(first.messages[0].stream, second.messages[0].stream);
  assert.deepEqual(first.messages, second.messages);
});

await check("grpc-js takes compressed answers", async () => {
  const compressed = new sluice.v1.Inference(address, credentials, { "grpc.default_compression_algorithm": 2 });
  const request = { ...ask, conversation: { messages: [{ role: "user", content: story }, { role: "assistant", content: "ok ".repeat(300) }, { role: "user", content: story }] }, max_tokens: 8, logprobs: 20 };
  const { messages, status } = await all(compressed.Generate(request));
  assert.equal(status.code, grpc.status.OK);
  assert.equal(messages.find(event => event.delta?.tokens.length).delta.tokens[0].top.length, 20);
});

await check("grpc-js sees a tool call stream", async () => {
  const tools = [{ name: weather.name, description: weather.description, parameters_json: JSON.stringify(weather.schema) }];
  const { messages, status } = await all(client.Generate({
    conversation: { messages: [{ role: "user", content: "What is the weather in Oslo?" }] }, tools, tool_choice: "required", temperature: 0, max_tokens: 200,
  }));
  assert.equal(status.code, grpc.status.OK, status.details);
  const parts = messages.flatMap(event => event.delta?.parts ?? []);
  const begin = parts.find(part => part.kind === "tool_call");
  assert.equal(begin?.tool_call.name, weather.name);
  const calls = parts.filter(part => part.tool_arguments?.index === 0).map(part => part.tool_arguments.text);
  JSON.parse(calls.join(""));
});

await check("grpc-js asks the health of the server", async () => {
  assert.equal((await unary(health, "Check", { service: "" })).status, "SERVING");
  assert.equal((await unary(health, "Check", { service: "sluice.v1.Inference" })).status, "SERVING");
  assert.equal((await fault(unary(health, "Check", { service: "none" }))).code, grpc.status.NOT_FOUND);
  const watch = health.Watch({ service: "" });
  watch.on("error", () => {});
  assert.equal((await new Promise(resolve => watch.once("data", resolve))).status, "SERVING");
  watch.cancel();
});

await check("grpc-js infers by the Open Inference Protocol", async () => {
  const [model] = (await unary(client, "ListModels", {})).models;
  assert.ok((await unary(open, "ServerLive", {})).live && (await unary(open, "ServerReady", {})).ready);
  assert.ok((await unary(open, "ModelReady", { name: model.id })).ready && !(await unary(open, "ModelReady", { name: "other" })).ready);
  assert.equal((await unary(open, "ModelMetadata", { name: model.id })).inputs[0].name, "text_input");
  const request = id => ({
    model_name: model.id,
    id,
    inputs: [{ name: "text_input", datatype: "BYTES", shape: [1], contents: { bytes_contents: [Buffer.from("Once upon a time")] } }],
    parameters: { max_tokens: { int64_param: 30 }, temperature: { double_param: 0 } },
  });
  const answer = await unary(open, "ModelInfer", request("one"));
  const text = answer.outputs[0].contents.bytes_contents[0].toString();
  assert.ok(text.length > 20);
  assert.equal(answer.id, "one");
  const call = open.ModelStreamInfer();
  const end = all(call);
  call.write(request("a"));
  call.write(request("b"));
  call.write({ ...request("bad"), inputs: [] });
  call.end();
  const { messages, status } = await end;
  assert.equal(status.code, grpc.status.OK);
  for (const id of ["a", "b"]) {
    const own = messages.map(message => message.infer_response).filter(response => response.id === id);
    assert.equal(own.map(response => response.outputs[0].contents.bytes_contents[0].toString()).join(""), text);
    assert.deepEqual(own.map(response => response.parameters.triton_final_response.bool_param), own.map((_, index) => index === own.length - 1));
    assert.ok(own.length > 5);
  }
  const bad = messages.find(message => message.infer_response.id === "bad");
  assert.match(bad.error_message, /text_input is missing/);
});

client.close();
open.close();
health.close();
