export type ListenerErrorCode =
  | 'address' // not an address of this machine, or no address at all
  | 'port-in-use'
  | 'port-forbidden' // the operating system does not let this user listen there
  | 'plain-http' // http without TLS where others could listen in
  | 'configuration'
  | 'certificate'

/** What keeps a listener from opening. `message` names the listener or the file, and what to do about it. */
export class ListenerError extends Error {
  override readonly name = 'ListenerError'
  readonly code: ListenerErrorCode
  constructor(code: ListenerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
