// OpenAI's own SDK: Chat Completions, Completions and Responses.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { check, ended, fault, stoppedEarly, story, url, weather } from "../checks.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const chat = { model: "any", max_tokens: 60, temperature: 0, messages: [{ role: "user", content: story }] };
const ask = { model: "any", max_output_tokens: 60, temperature: 0, input: story };
const long = { ...ask, max_output_tokens: 900, ignore_eos: true };

async function all(events) {
  const list = [];
  for await (const event of events) list.push(event);
  return list;
}

await check("openai streams what it answers in one piece", async () => {
  const stream = client.chat.completions.stream({ ...chat, stream_options: { include_usage: true } });
  const texts = [];
  stream.on("content", text => texts.push(text));
  const streamed = await stream.finalChatCompletion();
  const whole = await client.chat.completions.create(chat);

  assert.ok(texts.length > 10, `${texts.length} pieces are no stream.`);
  assert.equal(streamed.choices[0].message.content, texts.join(""));
  assert.equal(whole.choices[0].message.content, texts.join(""));
  assert.equal(whole.choices[0].finish_reason, streamed.choices[0].finish_reason);
  assert.equal(whole.usage.completion_tokens, streamed.usage.completion_tokens);
});

await check("openai streams completions", async () => {
  const ask = { model: "any", prompt: "Once upon a time", max_tokens: 40, temperature: 0 };
  const chunks = await all(await client.completions.create({ ...ask, stream: true }));
  const whole = await client.completions.create(ask);

  assert.ok(chunks.length > 10);
  assert.equal(whole.choices[0].text, chunks.map(chunk => chunk.choices[0].text).join(""));
});

await check("openai stops in the middle", async () => {
  const stream = await client.chat.completions.create({ ...chat, max_tokens: 900, ignore_eos: true, on_disconnect: "cancel", stream: true });
  let id;
  let chunks = 0;
  for await (const chunk of stream) {
    id = chunk.id;
    if (++chunks === 3) break;
  }

  await stoppedEarly(id.slice("chatcmpl-".length), 900);
});

await check("openai gets clear errors", async () => {
  const hot = await fault(client.chat.completions.create({ ...chat, temperature: -1 }));
  const streamed = await fault(client.responses.create({ ...ask, temperature: -1, stream: true }));
  const image = await fault(client.responses.create({ ...ask, input: [{ role: "user", content: [{ type: "input_image", image_url: "http://x", detail: "auto" }] }] }));
  const nowhere = await fault(client.embeddings.create({ model: "any", input: "a" }));

  assert.ok(hot instanceof OpenAI.BadRequestError);
  assert.equal(hot.param, "temperature");
  assert.match(streamed.message, /temperature is -1; it must be from 0 to 100/);
  assert.equal(image.param, "input[0].content[0].type");
  assert.ok(nowhere instanceof OpenAI.NotFoundError);
});

await check("openai streams the response that it gets in one piece", async () => {
  const stream = client.responses.stream({ ...ask, instructions: "Be brief.", metadata: { a: "b" } });
  const events = await all(stream);
  const streamed = await stream.finalResponse();
  const whole = await client.responses.create({ ...ask, instructions: "Be brief.", metadata: { a: "b" } });
  const types = events.map(event => event.type.replace("response.", ""));

  assert.match(types.join(" "), /^created in_progress output_item.added content_part.added (output_text.delta ){10,}output_text.done content_part.done output_item.done (completed|incomplete)$/);
  assert.deepEqual(events.map(event => event.sequence_number), events.map((_, index) => index));
  assert.equal(streamed.output_text, events.filter(event => event.type === "response.output_text.delta").map(event => event.delta).join(""));
  assert.equal(whole.output_text, streamed.output_text);
  assert.equal(whole.status, streamed.status);
  assert.deepEqual([whole.instructions, whole.metadata], ["Be brief.", { a: "b" }]);
  assert.equal(whole.usage.output_tokens, streamed.usage.output_tokens);
});

await check("openai resumes a response in the background", async () => {
  const stream = await client.responses.create({ ...long, background: true, stream: true });
  const seen = [];
  for await (const event of stream) {
    seen.push(event);
    if (seen.length === 20) break;
  }

  const id = seen[0].response.id;
  const rest = await all(await client.responses.retrieve(id, { stream: true, starting_after: seen.at(-1).sequence_number }));
  const again = await all(await client.responses.retrieve(id, { stream: true }));
  const response = await client.responses.retrieve(id);
  const nothing = await all(await client.responses.retrieve(id, { stream: true, starting_after: rest.at(-1).sequence_number }));

  assert.deepEqual(seen.slice(0, 3).map(event => event.type), ["response.created", "response.queued", "response.in_progress"]);
  assert.deepEqual([...seen, ...rest], again);
  assert.deepEqual(nothing, []);
  assert.equal(response.status, "incomplete");
  assert.equal(response.output_text, again.filter(event => event.type === "response.output_text.delta").map(event => event.delta).join(""));
  assert.equal(response.usage.output_tokens, 900);
});

await check("openai's helper replays a response", async () => {
  const { id, output_text } = await client.responses.create(ask);
  const replayed = client.responses.stream({ response_id: id, starting_after: 10 });
  const events = await all(replayed);

  assert.equal(events[0].sequence_number, 11);
  assert.equal((await replayed.finalResponse()).output_text, output_text);
});

await check("openai polls a response in the background", async () => {
  let response = await client.responses.create({ ...ask, background: true });
  assert.ok(["queued", "in_progress"].includes(response.status), response.status);
  await ended(response.id.slice("resp_".length));
  response = await client.responses.retrieve(response.id);

  assert.ok(["completed", "incomplete"].includes(response.status), response.status);
  assert.ok(response.output_text.length > 40);
});

await check("openai cancels a response", async () => {
  const { id } = await client.responses.create({ ...long, background: true });
  const cancelled = await client.responses.cancel(id);
  const again = await client.responses.cancel(id);

  assert.equal(cancelled.status, "cancelled");
  assert.deepEqual(again, cancelled);
  await stoppedEarly(id.slice("resp_".length), 900);
});

await check("openai goes on from a response", async () => {
  const first = await client.responses.create(ask);
  const second = await client.responses.create({ ...ask, input: [{ role: "user", content: "And then?" }], previous_response_id: first.id });
  const items = await all(client.responses.inputItems.list(second.id, { order: "asc", limit: 2 }));

  assert.equal(second.previous_response_id, first.id);
  assert.deepEqual(items.map(item => item.content[0].text), [story, first.output_text, "And then?"]);
  assert.ok(second.usage.input_tokens > first.usage.total_tokens - 5);
  assert.ok(second.usage.input_tokens_details.cached_tokens > 0);
});

await check("openai deletes a response", async () => {
  const { id } = await client.responses.create(ask);
  await client.responses.delete(id);
  const gone = await fault(client.responses.retrieve(id));
  const next = await fault(client.responses.create({ ...ask, previous_response_id: id }));

  assert.ok(gone instanceof OpenAI.NotFoundError);
  assert.equal(next.param, "previous_response_id");
});

await check("openai streams calls", async () => {
  const tools = [{ type: "function", function: { name: weather.name, description: weather.description, parameters: weather.schema } }];
  const stream = client.chat.completions.stream({ ...chat, tools, tool_choice: "required" });
  const pieces = [];
  stream.on("tool_calls.function.arguments.delta", ({ arguments_delta }) => pieces.push(arguments_delta));
  const { choices: [{ message }] } = await stream.finalChatCompletion();
  const whole = await client.chat.completions.create({ ...chat, tools, tool_choice: "required" });

  assert.equal(message.tool_calls[0].function.name, weather.name);
  assert.ok(pieces.length > 3, `${pieces.length} pieces are no stream.`);
  assert.equal(message.tool_calls[0].function.arguments, pieces.join(""));
  assert.equal(whole.choices[0].message.tool_calls[0].function.arguments, pieces.join(""));
});

await check("openai streams calls in responses", async () => {
  const tools = [{ type: "function", name: weather.name, description: weather.description, parameters: weather.schema, strict: false }];
  const stream = client.responses.stream({ ...ask, tools, tool_choice: { type: "function", name: weather.name } });
  const events = await all(stream);
  const call = (await stream.finalResponse()).output[0];
  const deltas = events.filter(event => event.type === "response.function_call_arguments.delta");
  const next = await client.responses.create({
    ...ask, tools, input: [{ role: "user", content: story }, call, { type: "function_call_output", call_id: call.call_id, output: "Fog." }],
  });

  assert.deepEqual([call.type, call.name], ["function_call", weather.name]);
  assert.ok(deltas.length > 3, `${deltas.length} pieces are no stream.`);
  assert.equal(call.arguments, deltas.map(event => event.delta).join(""));
  assert.deepEqual(events.map(event => event.sequence_number), events.map((_, index) => index));
  assert.ok(next.output_text.length > 10);
});
