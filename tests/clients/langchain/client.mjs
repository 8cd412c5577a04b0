// LangChain's client for OpenAI's protocol.
import assert from "node:assert/strict";
import { ChatOpenAI } from "@langchain/openai";
import { check, fault, stoppedEarly, story, url, weather } from "../checks.mjs";

const fields = { model: "any", apiKey: "none", temperature: 0, maxTokens: 60, maxRetries: 0, configuration: { baseURL: `${url}/v1` } };
const model = new ChatOpenAI(fields);

await check("langchain streams what it answers in one piece", async () => {
  const chunks = [];
  for await (const chunk of await model.stream(story)) chunks.push(chunk);
  const whole = await model.invoke(story);

  assert.ok(chunks.length > 10, `${chunks.length} chunks are no stream.`);
  assert.equal(whole.content, chunks.map(chunk => chunk.content).join(""));
  assert.ok(whole.usage_metadata.output_tokens > 10);
});

await check("langchain stops in the middle", async () => {
  const stop = new AbortController();
  const long = new ChatOpenAI({ ...fields, maxTokens: 900, modelKwargs: { ignore_eos: true, on_disconnect: "cancel" } });
  let id;
  let chunks = 0;
  await fault((async () => {
    for await (const chunk of await long.stream(story, { signal: stop.signal })) {
      id = chunk.id ?? id;
      if (++chunks === 3) stop.abort();
    }
  })());

  await stoppedEarly(id.slice("chatcmpl-".length), 900);
});

await check("langchain gets a clear error", async () => {
  const error = await fault(new ChatOpenAI({ ...fields, temperature: -1 }).invoke(story));

  assert.equal(error.status, 400);
  assert.match(error.message, /temperature is -1; it must be from 0 to 100/);
});

await check("langchain sees a tool call stream", async () => {
  const calling = model.bindTools([{ type: "function", function: { name: weather.name, description: weather.description, parameters: weather.schema } }], { tool_choice: weather.name });
  let message;
  let pieces = 0;
  for await (const chunk of await calling.stream("What is the weather in Paris?", { maxTokens: 100 })) {
    pieces += chunk.tool_call_chunks?.length ?? 0;
    message = message ? message.concat(chunk) : chunk;
  }

  assert.equal(message.tool_calls[0].name, weather.name);
  assert.equal(typeof message.tool_calls[0].args, "object");
  assert.ok(pieces > 2, `${pieces} pieces are no stream.`);
});
