// Anthropic's own SDK.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import { check, fault, stoppedEarly, story, url, weather } from "../checks.mjs";

const client = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
const ask = { model: "any", max_tokens: 60, temperature: 0, messages: [{ role: "user", content: story }] };

await check("anthropic streams what it answers in one piece", async () => {
  const stream = client.messages.stream(ask);
  const types = [];
  const texts = [];
  stream.on("text", text => texts.push(text));
  for await (const event of stream) types.push(event.type);
  const streamed = await stream.finalMessage();
  const whole = await client.messages.create(ask);

  assert.match(types.join(" "), /^message_start content_block_start (content_block_delta ){10,}content_block_stop message_delta message_stop$/);
  assert.equal(streamed.content.length, 1);
  assert.equal(streamed.content[0].text, texts.join(""));
  assert.equal(whole.content[0].text, texts.join(""));
  assert.equal(whole.stop_reason, streamed.stop_reason);
  assert.equal(whole.usage.output_tokens, streamed.usage.output_tokens);
  assert.ok(whole.usage.input_tokens + whole.usage.cache_read_input_tokens > 5);
});

await check("anthropic stops in the middle", async () => {
  const stream = await client.messages.create({ ...ask, max_tokens: 900, ignore_eos: true, on_disconnect: "cancel", stream: true });
  let id;
  let deltas = 0;
  for await (const event of stream) {
    if (event.type === "message_start") id = event.message.id;
    if (event.type === "content_block_delta" && ++deltas === 3) break;
  }

  await stoppedEarly(id.slice("msg_".length), 900);
});

await check("anthropic goes on where it was cut off", async () => {
  const message = await client.messages.stream(ask).finalMessage();
  const rest = await client.get(`/v1/streams/${message.id.slice("msg_".length)}/events`, { query: { after: 5 }, stream: true });
  let text = "";
  let last;
  for await (const event of rest) {
    last = event.type;
    if (event.type === "content_block_delta") text += event.delta.text;
  }

  assert.equal(last, "message_stop");
  assert.ok(text.length > 20 && text.length < message.content[0].text.length);
  assert.ok(message.content[0].text.endsWith(text));
});

await check("anthropic gets clear errors", async () => {
  const missing = await fault(client.messages.create({ ...ask, max_tokens: undefined }));
  const image = await fault(client.messages.create({ ...ask, messages: [{ role: "user", content: [{ type: "image", source: { type: "url", url: "http://x" } }] }] }));
  const nowhere = await fault(client.post("/v1/messages/batches", { body: {} }));

  assert.ok(missing instanceof Anthropic.BadRequestError);
  assert.equal(missing.type, "invalid_request_error");
  assert.match(missing.message, /max_tokens is missing/);
  assert.equal(image.errorCode, "unsupported_content");
  assert.ok(nowhere instanceof Anthropic.NotFoundError);
  assert.equal(nowhere.type, "not_found_error");
});

await check("anthropic counts tokens", async () => {
  const counted = await client.messages.countTokens({ model: "any", messages: ask.messages });
  const answered = await client.messages.create({ ...ask, max_tokens: 1 });

  assert.equal(counted.input_tokens, answered.usage.input_tokens + answered.usage.cache_read_input_tokens);
});

await check("anthropic sees a tool call stream", async () => {
  const stream = client.messages.stream({
    ...ask,
    max_tokens: 100,
    messages: [{ role: "user", content: "What is the weather in Paris?" }],
    tools: [{ name: weather.name, description: weather.description, input_schema: weather.schema }],
    tool_choice: { type: "tool", name: weather.name },
  });
  let pieces = 0;
  stream.on("inputJson", () => pieces++);
  const message = await stream.finalMessage();
  const call = message.content.find(block => block.type === "tool_use");

  assert.equal(call.name, weather.name);
  assert.equal(message.stop_reason, "tool_use");
  assert.equal(typeof call.input, "object");
  assert.ok(pieces > 1, `${pieces} pieces are no stream.`);
  await client.messages.create({
    ...ask,
    messages: [
      { role: "user", content: "What is the weather in Paris?" },
      { role: "assistant", content: message.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "Rain" }] },
    ],
  });
});
