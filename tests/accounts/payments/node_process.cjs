// What the second implementations share: a test has one do something at `/do/NAME`; all else is its provider's API.
'use strict'

const http = require('node:http')

exports.serve = (introduction, acts, respond) => {
  const act = async (name, body) => {
    try {
      return { done: await acts[name](JSON.parse(body)) }
    } catch (error) {
      return { refused: `${error.name}: ${error.message}` }
    }
  }
  const server = http.createServer(async (request, response) => {
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    const [, name] = request.url.match(/^\/do\/(\w+)$/) ?? []
    const [status, headers, content] = name
      ? [200, {}, JSON.stringify(await act(name, body))]
      : respond(request.method, request.url, request.headers, body)
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(content)
  })
  server.listen(0, '127.0.0.1', () => {
    console.log(JSON.stringify({ port: server.address().port, ...introduction }))
  })
  process.stdin.resume().on('end', () => process.exit(0))
}
