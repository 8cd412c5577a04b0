// Parses a stream of bytes cut at every place, and at every pair of places, and compares with the uncut one.
async ({ text }) => {
  const { EventStreamParser, readEvents } = await import('/api/sse.js');
  const bytes = new TextEncoder().encode(text);
  const parse = async (cuts) => {
    const parser = new EventStreamParser();
    const body = new ReadableStream({
      start(controller) {
        let from = 0;
        for (const cut of [...cuts, bytes.length]) {
          controller.enqueue(bytes.slice(from, cut));
          from = cut;
        }
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body, parser)) events.push(event);
    return JSON.stringify({ events, lastEventId: parser.lastEventId, retry: parser.retry });
  };

  const whole = await parse([]);
  for (let first = 0; first <= bytes.length; first++) {
    for (let second = first; second <= bytes.length; second++) {
      const cut = await parse([first, second]);
      if (cut !== whole) throw new Error(`Cut at ${first} and ${second}: ${cut} instead of ${whole}`);
    }
  }
  return whole;
}
