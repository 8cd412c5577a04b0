// What the clients that run in Node have in common.
import assert from "node:assert/strict";

export const url = process.env.SLUICE_URL ?? "http://127.0.0.1:8080";
export const story = "Tell me a story about a fox and a lighthouse.";

export const weather = {
  name: "get_weather",
  description: "Tells the weather of a city",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

/** Runs one check and says how it went. */
export async function check(name, body) {
  try {
    await body();
    console.log(`ok ${name}`);
  } catch (fault) {
    console.log(`not ok ${name}: ${String(fault?.message ?? fault).replaceAll("\n", " ").slice(0, 500)}`);
    if (process.env.DEBUG) console.error(fault);
    process.exitCode = 1;
  }
}

/** The error that a promise ends with. */
export async function fault(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }

  assert.fail(`There was no error but ${JSON.stringify(value)}.`);
}

/** Waits until a stream has ended, and gives what the server says of it. */
export async function ended(id) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const state = await (await fetch(`${url}/v1/streams/${id}`)).json();
    if (["finished", "cancelled", "failed"].includes(state.state)) return state;
    await new Promise(resolve => setTimeout(resolve, 50));
  }

  assert.fail(`Stream ${id} has not ended.`);
}

/** Asserts that leaving a stream stopped its generation long before its end. */
export async function stoppedEarly(id, most) {
  const state = await ended(id);
  assert.equal(state.state, "cancelled");
  assert.ok(state.usage.completion_tokens < most, `${state.usage.completion_tokens} tokens were generated.`);
}
