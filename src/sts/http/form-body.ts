import type { IncomingMessage } from 'node:http'

const mostBytes = 64 * 1024
const mostDiscarded = 16 * 1024 * 1024

/** Why a body is not read: too large, of another type than a form's, or cut short by the client. */
export type BodyProblem = 'too-large' | 'content-type' | 'aborted'

/**
 * Reads the body of a posted form, at most 64 kB. A larger one is answered at once; what still comes of it is thrown
 * away unread (so that the client gets to see the answer) up to 16 MB, then the connection is cut.
 * @returns the text as it came, still form-encoded, each byte one character.
 */
export function readFormBody(request: IncomingMessage): Promise<{ text: string } | { problem: BodyProblem }> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') return refuse(request, 'content-type')
  if (Number(request.headers['content-length']) > mostBytes) return refuse(request, 'too-large')
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let length = 0
    const onData = (piece: Buffer) => {
      length += piece.length
      if (length <= mostBytes) {
        pieces.push(piece)
      } else {
        request.off('data', onData)
        void refuse(request, 'too-large').then(resolve)
      }
    }
    request.on('data', onData)
    // latin1 keeps bytes apart: whatever is not ASCII is refused by parseParameters, as a form-encoded body has none.
    request.once('end', () => resolve({ text: Buffer.concat(pieces).toString('latin1') }))
    request.once('error', () => resolve({ problem: 'aborted' }))
    request.once('close', () => resolve({ problem: 'aborted' }))
  })
}

function refuse(request: IncomingMessage, problem: BodyProblem): Promise<{ problem: BodyProblem }> {
  let discarded = 0
  request.on('error', () => undefined)
  request.on('data', (piece: Buffer) => {
    discarded += piece.length
    if (discarded > mostDiscarded) request.socket.destroy()
  })
  return Promise.resolve({ problem })
}
