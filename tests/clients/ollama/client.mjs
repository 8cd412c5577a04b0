// Ollama's own client.
import assert from "node:assert/strict";
import { Ollama } from "ollama";
import { check, fault, stoppedEarly, story, url, weather } from "../checks.mjs";

let streamId;
const ollama = new Ollama({
  host: url,
  fetch: async (...request) => {
    const response = await fetch(...request);
    streamId = response.headers.get("sluice-stream");
    return response;
  },
});
const ask = { model: "any", messages: [{ role: "user", content: story }], options: { temperature: 0, num_predict: 60 } };

// The client only warns of lines that are no JSON.
const warnings = [];
console.warn = (...words) => warnings.push(words.join(" "));

await check("ollama streams what it answers in one piece", async () => {
  const parts = [];
  for await (const part of await ollama.chat({ ...ask, stream: true })) parts.push(part);
  const whole = await ollama.chat(ask);
  const text = parts.map(part => part.message.content).join("");
  const end = parts.at(-1);

  assert.ok(parts.length > 10, `${parts.length} parts are no stream.`);
  assert.deepEqual(parts.map(part => part.done), [...Array(parts.length - 1).fill(false), true]);
  assert.equal(whole.message.content, text);
  assert.equal(end.done_reason, whole.done_reason);
  assert.equal(end.eval_count, whole.eval_count);
  assert.ok(end.total_duration >= end.eval_duration && end.eval_duration > 0 && end.prompt_eval_count > 5);
  assert.deepEqual(warnings, []);
});

await check("ollama generates from a prompt", async () => {
  let text = "";
  for await (const part of await ollama.generate({ model: "any", prompt: story, options: ask.options, stream: true })) text += part.response;
  const whole = await ollama.generate({ model: "any", prompt: story, options: ask.options });

  assert.ok(text.length > 40);
  assert.equal(whole.response, text);
});

await check("ollama stops in the middle", async () => {
  const stream = await ollama.chat({ ...ask, options: { num_predict: 900, ignore_eos: true }, on_disconnect: "cancel", stream: true });
  const id = streamId;
  let parts = 0;
  const aborted = await fault((async () => {
    for await (const part of stream) {
      assert.equal(part.done, false);
      if (++parts === 3) stream.abort();
    }
  })());

  assert.equal(aborted.name, "AbortError");
  await stoppedEarly(id, 900);
});

await check("ollama's lines go on where they were cut off", async () => {
  const lines = [];
  for await (const part of await ollama.chat({ ...ask, stream: true })) lines.push(JSON.stringify(part));
  const rest = await (await fetch(`${url}/v1/streams/${streamId}/events?after=${JSON.parse(lines[4]).event_id}`)).text();

  assert.deepEqual(rest.trimEnd().split("\n").map(line => JSON.stringify(JSON.parse(line))), lines.slice(5));
});

await check("ollama gets clear errors", async () => {
  const format = await fault(ollama.chat({ ...ask, format: "json" }));
  const streamed = await fault(ollama.chat({ ...ask, options: { temperature: -1 }, stream: true }));
  const embedded = await fault(ollama.embed({ model: "any", input: "a" }));
  const unknown = await fault(ollama.show({ model: "llama3" }));

  assert.equal(format.status_code, 400);
  assert.match(format.message, /format is not supported/);
  assert.match(streamed.message, /options.temperature is -1; it must be from 0 to 100/);
  assert.equal(embedded.status_code, 404);
  assert.match(embedded.message, /There are no embeddings here.*POST \/api\/chat/);
  assert.equal(unknown.status_code, 404);
});

await check("ollama finds the model", async () => {
  const { models: [model] } = await ollama.list();
  const running = await ollama.ps();
  const shown = await ollama.show({ model: model.model });

  assert.ok(model.size > 1_000_000);
  assert.equal(running.models[0].name, model.name);
  assert.equal(shown.details.format, "gguf");
  assert.ok(shown.capabilities.includes("completion"));
  assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
});

await check("ollama sees a tool call", async () => {
  const calls = [];
  const stream = await ollama.chat({
    ...ask,
    messages: [{ role: "user", content: `Use the tool ${weather.name} for Paris.` }],
    tools: [{ type: "function", function: { name: weather.name, description: weather.description, parameters: weather.schema } }],
    tool_choice: { type: "function", function: { name: weather.name } },
    options: { temperature: 0, num_predict: 100 },
    stream: true,
  });
  for await (const part of stream) calls.push(...part.message.tool_calls ?? []);

  assert.equal(calls.length, 1);
  assert.equal(calls[0].function.name, weather.name);
  assert.equal(typeof calls[0].function.arguments, "object");
});
