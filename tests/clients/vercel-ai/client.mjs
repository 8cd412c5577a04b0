// Vercel's AI SDK with its provider for servers that speak OpenAI's protocol.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, jsonSchema, streamText, tool } from "ai";
import { check, fault, stoppedEarly, story, url, weather } from "../checks.mjs";

const sluice = createOpenAICompatible({ name: "sluice", baseURL: `${url}/v1`, includeUsage: true });
const model = sluice("any");
const ask = { model, prompt: story, temperature: 0, maxOutputTokens: 60, maxRetries: 0 };

await check("vercel-ai streams what it answers in one piece", async () => {
  const stream = streamText(ask);
  const texts = [];
  for await (const text of stream.textStream) texts.push(text);
  const whole = await generateText(ask);

  assert.ok(texts.length > 10, `${texts.length} pieces are no stream.`);
  assert.equal(whole.text, texts.join(""));
  assert.equal(await stream.finishReason, whole.finishReason);
  assert.deepEqual((await stream.usage).outputTokens, whole.usage.outputTokens);
});

await check("vercel-ai stops in the middle", async () => {
  const stop = new AbortController();
  const stream = streamText({
    ...ask, maxOutputTokens: 900, abortSignal: stop.signal, providerOptions: { sluice: { ignore_eos: true, on_disconnect: "cancel" } }, includeRawChunks: true,
  });
  let id;
  let texts = 0;
  for await (const part of stream.fullStream) {
    if (part.type === "raw") id = part.rawValue.id;
    if (part.type === "text-delta" && ++texts === 3) stop.abort();
    assert.notEqual(part.type, "finish");
  }

  await stoppedEarly(id.slice("chatcmpl-".length), 900);
});

await check("vercel-ai gets a clear error", async () => {
  const error = await fault(generateText({ ...ask, temperature: -1 }));

  assert.ok(APICallError.isInstance(error));
  assert.equal(error.statusCode, 400);
  assert.match(error.message, /temperature is -1; it must be from 0 to 100/);
});

await check("vercel-ai sees a tool call stream", async () => {
  const stream = streamText({
    ...ask,
    prompt: "What is the weather in Paris?",
    maxOutputTokens: 100,
    tools: { [weather.name]: tool({ description: weather.description, inputSchema: jsonSchema(weather.schema) }) },
    toolChoice: { type: "tool", toolName: weather.name },
    onError: () => {}, // it comes as a part, too
  });
  const types = [];
  for await (const part of stream.fullStream) {
    types.push(part.type);
    assert.notEqual(part.type, "error", String(part.error));
  }

  const [call] = await stream.toolCalls;
  assert.equal(call.toolName, weather.name);
  assert.equal(typeof call.input, "object");
  assert.ok(types.includes("tool-input-start"));
  assert.ok(types.filter(type => type === "tool-input-delta").length > 1, "The arguments came in one piece.");
  assert.equal(await stream.finishReason, "tool-calls");
});
