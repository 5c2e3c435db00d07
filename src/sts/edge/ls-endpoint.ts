import type { Answer } from '../http/answer.ts'
import type { DecisionRecord } from '../http/decision-record.ts'
import type { StsRequest } from '../http/sts-request.ts'
import { messagePage } from '../pages/message-page.ts'
import type { PageMaker } from '../pages/page.ts'

/**
 * `/adfs/ls` is one address for several protocols; the parameters say which. A request that belongs to two of them, or
 * to none that is served, is refused.
 */
export function createLsEndpoint(parts: {
  edgeSignIn: (request: StsRequest) => Promise<Answer>
  signOut: (request: StsRequest) => Promise<Answer>
  pages: PageMaker
  decisions: DecisionRecord
}): (request: StsRequest) => Promise<Answer> {
  const { edgeSignIn, signOut, pages, decisions } = parts
  return async (request) => {
    const wa = request.query.get('wa')
    const isEdge = request.query.has('action') || request.query.has('apprealm')
    if (wa === undefined) return edgeSignIn(request)
    if (wa === 'wsignout1.0' && !isEdge) return signOut(request)
    await decisions(request, { event: 'request-refused', result: 'failure', what: '/adfs/ls', code: 'wa' })
    return pages(request, (strings) =>
      messagePage(request, strings, { status: 400, title: strings.badRequestTitle, text: strings.badRequest }),
    )
  }
}
