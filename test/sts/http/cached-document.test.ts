import t from 'tap'
import { answerWithDocument, cachedDocument } from '../../../src/sts/http/cached-document.ts'

const document = cachedDocument('text', 'text/plain', 60)
const etag = document.headers['etag'] ?? ''

t.test('carries an ETag and how long it may be kept', async (t) => {
  t.match(etag, /^"[\w-]{22}"$/)
  t.equal(document.headers['cache-control'], 'public, max-age=60')
  t.equal(
    cachedDocument('text', 'text/css', 'for-good').headers['cache-control'],
    'public, max-age=31536000, immutable',
  )
  t.not(cachedDocument('other', 'text/plain', 60).headers['etag'], etag)
})

t.test('a client that has it gets 304 without a body', async (t) => {
  for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const answer = answerWithDocument(document, tag)
    t.equal(answer.status, 304)
    t.equal(answer.body, '')
    t.equal(answer.headers['etag'], etag)
  }
})

t.test('anybody else gets it whole', async (t) => {
  for (const tag of [undefined, '"x"', '', 'W/']) {
    const answer = answerWithDocument(document, tag)
    t.equal(answer.status, 200)
    t.equal(String(answer.body), 'text')
  }
})
