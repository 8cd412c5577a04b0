// npm's eventsource, which is EventSource as browsers have it: it resumes by itself what a relay cuts in the middle.
import assert from "node:assert/strict";
import net from "node:net";
import { EventSource } from "eventsource";
import { check, stoppedEarly, story, url } from "../checks.mjs";

const body = { messages: [{ role: "user", content: story }], temperature: 0, max_tokens: 120, ignore_eos: true };

async function post(path, json) {
  const response = await fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(json) });
  assert.ok(response.ok, await response.clone().text());
  return response;
}

const start = async (json, as = "chat") => (await post(`/v1/streams?as=${as}`, json)).headers.get("sluice-stream");

/** Stands before the server and resets each connection behind so many bytes of its answer; then lets all of it pass. */
async function relay(...cuts) {
  const { hostname, port } = new URL(url);
  let connections = 0;
  const server = net.createServer(client => {
    let left = cuts[connections++] ?? Infinity;
    const upstream = net.connect(Number(port), hostname);
    client.on("error", () => {}).on("close", () => upstream.destroy()).pipe(upstream);
    upstream.on("error", () => {}).on("end", () => client.end());
    upstream.on("data", data => {
      if (data.length < left) {
        left -= data.length;
        client.write(data);
      } else if (left > 0) {
        // What was let through arrives; a reset would overtake it.
        client.end(data.subarray(0, left));
        left = 0;
        upstream.destroy();
      }
    });
  });
  await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, connections: () => connections, close: () => server.close() };
}

/** Reads until the server has nothing more for an EventSource, which it says by a status that ends one. */
function read(address, types, take) {
  const source = new EventSource(address);
  for (const type of types) source.addEventListener(type, ({ data }) => take(data, source));
  return new Promise(resolve => source.addEventListener("error", error => {
    if (source.readyState === EventSource.CLOSED) resolve(error);
  }));
}

await check("eventsource resumes what was cut, and loses and repeats nothing", async () => {
  const whole = (await (await post("/v1/chat/completions", body)).json()).choices[0].message.content;
  const id = await start({ ...body, stream: true });
  const between = await relay(1500, 3001, 4999);
  let text = "", ends = 0;
  const last = await read(`${between.url}/v1/streams/${id}/events`, ["message"], data => {
    if (data === "[DONE]") ends++;
    else text += JSON.parse(data).choices[0]?.delta.content ?? "";
  });
  between.close();
  assert.equal(last.code, 204);
  assert.ok(between.connections() >= 4, `${between.connections()} connections are not cut often enough.`);
  assert.equal(text, whole);
  assert.equal(ends, 1);
});

await check("eventsource resumes events that have names, too", async () => {
  const request = { ...body, seed: 1 };
  const whole = (await (await post("/v1/messages", request)).json()).content[0].text;
  const id = await start({ ...request, stream: true }, "anthropic");
  const between = await relay(2000, 2500);
  let text = "", stops = 0;
  await read(`${between.url}/v1/streams/${id}/events`, ["content_block_delta", "message_stop"], data => {
    const { type, delta } = JSON.parse(data);
    if (type === "message_stop") stops++;
    else text += delta.text;
  });
  between.close();
  assert.ok(between.connections() >= 3);
  assert.equal(text, whole);
  assert.equal(stops, 1);
});

await check("eventsource stops reading in the middle, and the stream is stopped", async () => {
  const id = await start({ ...body, stream: true, max_tokens: 400, on_disconnect: "pause" });
  await new Promise(resolve => {
    const source = new EventSource(`${url}/v1/streams/${id}/events`);
    source.addEventListener("message", () => {
      source.close();
      resolve();
    });
  });
  assert.equal((await fetch(`${url}/v1/streams/${id}`, { method: "DELETE" })).status, 204);
  await stoppedEarly(id, 400);
});

await check("eventsource does not ask again for what is not there", async () => {
  const error = await read(`${url}/v1/streams/nobody/events`, [], () => {});
  assert.equal(error.code, 404);
});
