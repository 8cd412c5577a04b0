// Vercel's AI SDK with its provider for servers that speak OpenAI's protocol.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, streamText } from "ai";
import { check, fault, stoppedEarly, story, url } from "../checks.mjs";

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
