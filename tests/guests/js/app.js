// An HTTP guest in JavaScript, with the fetch event that browsers know.
// `/hello`, `/echo` (the body, streamed), `/json`, `/outbound?url=`.

async function answer(request) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/":
    case "/hello":
      return new Response("hello from JavaScript", {
        headers: { "content-type": "text/plain" },
      });
    case "/echo":
      return new Response(request.body);
    case "/json":
      return Response.json({
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        agent: request.headers.get("user-agent"),
      });
    case "/outbound": {
      const found = await fetch(url.searchParams.get("url"));
      return new Response(await found.text(), { status: found.status });
    }
    default:
      return new Response("no such route", { status: 404 });
  }
}

addEventListener("fetch", (event) => event.respondWith(answer(event.request)));
