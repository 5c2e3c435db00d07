/** What is inside a Negotiate value and a request to a KDC, read with the library's own decoder. */
import {
  decode,
  readApplication,
  readContext,
  readFields,
  readFlags,
  readList,
  readOctets,
} from '../../../src/kcd/messages/der-reader.ts'
import { readAuthorizationData } from '../../../src/kcd/messages/kerberos-types.ts'
import { type PaData, readPaDataList } from '../../../src/kcd/messages/pa-data.ts'
import { readTicket, type Ticket, type TicketContent } from '../../../src/kcd/messages/ticket.ts'
import { unframe } from '../../../src/kcd/spnego/gss-token.ts'

/** The service ticket in the value behind `Negotiate `. */
export function ticketInNegotiation(value: string): Ticket {
  const spnego = unframe(Buffer.from(value, 'base64'), 'the token').content
  const init = readFields(readContext(decode(spnego, 'NegTokenInit'), 0))
  const kerberos = unframe(readOctets(init.required(2)), 'the mechanism token').content
  const apRequest = readFields(readApplication(decode(kerberos.subarray(2), 'AP-REQ'), 14))
  return readTicket(apRequest.required(3))
}

const AD_IF_RELEVANT = 1
const AD_WIN2K_PAC = 128

/** The PAC in a ticket, or undefined where there is none. */
export function pacOf(content: TicketContent): Buffer | undefined {
  for (const { type, data } of content.authorizationData) {
    if (type !== AD_IF_RELEVANT) continue
    const pac = readAuthorizationData(decode(data, 'AD-IF-RELEVANT')).find((inner) => inner.type === AD_WIN2K_PAC)
    if (pac !== undefined) return pac.data
  }
  return undefined
}

export interface TgsRequestContent {
  readonly paData: readonly PaData[]
  /** KDCOptions. */
  readonly options: number
  readonly additionalTickets: readonly Ticket[]
}

/** The open parts of a TGS-REQ. */
export function tgsRequestContent(request: Uint8Array): TgsRequestContent {
  const fields = readFields(readApplication(decode(request, 'TGS-REQ'), 12))
  const body = readFields(fields.required(4))
  const tickets = body.optional(11)
  return {
    paData: readPaDataList(fields.required(3)),
    options: readFlags(body.required(0)),
    additionalTickets: tickets === undefined ? [] : readList(tickets).map(readTicket),
  }
}
