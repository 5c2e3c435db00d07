/** MIT's own acceptor: takes one token as a backend would that checks channel bindings, which Apache's module does not. */
import { runProgram } from '../processes.ts'
import { succeeded } from './directory-server.ts'

export interface Acceptance {
  readonly user?: string
  /** The token for the initiator, base64. */
  readonly answer?: string
  /** Whether the initiator's channel binding was the acceptor's (GSS_C_CHANNEL_BOUND_FLAG). */
  readonly bound?: boolean
  /** Whether the initiator asked for mutual authentication. */
  readonly mutual?: boolean
  /** Whether credentials were delegated with the token. */
  readonly delegated?: boolean
  readonly refused?: string
}

const PROGRAM = `
import base64, json, sys
import gssapi
from gssapi.raw import ChannelBindings
gssapi.SecurityContext.__DEFER_STEP_ERRORS__ = False
token, binding = base64.b64decode(sys.argv[1]), bytes.fromhex(sys.argv[2])
channel = ChannelBindings(application_data=binding) if binding else None
try:
    context = gssapi.SecurityContext(creds=gssapi.Credentials(usage='accept'), usage='accept', channel_bindings=channel)
    answer = context.step(token)
    flags = int(context.actual_flags)
    print(json.dumps({
        'user': str(context.initiator_name),
        'answer': base64.b64encode(answer or b'').decode(),
        'bound': bool(flags & 0x800),
        'mutual': bool(flags & int(gssapi.RequirementFlag.mutual_authentication)),
        'delegated': context.delegated_creds is not None,
    }))
except gssapi.exceptions.GSSError as error:
    print(json.dumps({'refused': type(error).__name__}))
`

/** @param binding application data of the acceptor's channel binding. */
export async function acceptToken(
  value: string,
  {
    environment,
    keytab,
    binding,
  }: { environment: Readonly<Record<string, string>>; keytab: string; binding?: Uint8Array },
): Promise<Acceptance> {
  const parameters = ['-c', PROGRAM, value, Buffer.from(binding ?? []).toString('hex')]
  const env = { ...environment, KRB5_KTNAME: `FILE:${keytab}` }
  return JSON.parse(
    succeeded('python3', await runProgram('/usr/bin/python3', parameters, { env })).stdout,
  ) as Acceptance
}
