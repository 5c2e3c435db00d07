/** What goes over the administration's wire: `POST /operations/<name>`, JSON both ways. */
export const operationPath = '/operations/'

/** Who is at the terminal, percent-encoded; believed because only the owner of the socket can say it. */
export const operatorHeader = 'gatehouse-operator'

/** An error as it travels: enough to print it and to choose the exit status. */
export interface ErrorMessage {
  readonly name: string
  readonly code: string
  readonly message: string
}

export type AdministrationAnswer = { readonly result: unknown } | { readonly error: ErrorMessage }

/** An error that the server answered with: what the operation threw there. */
export class RemoteError extends Error {
  override readonly name: string
  readonly code: string

  constructor({ name, code, message }: ErrorMessage) {
    super(message)
    this.name = name
    this.code = code
  }
}
