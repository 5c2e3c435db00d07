/**
 * Whatever a peer can send instead of a message: every beginning of it, every changed bit, lengths that lie, octets
 * behind it. Calls `read` with each and gives what came that is no KerberosError, which must be nothing.
 * @returns descriptions of the failures, and how many were tried and taken.
 */
export function tryHostileOctets(
  message: Buffer,
  read: (octets: Buffer) => unknown,
): { tried: number; taken: number; failures: string[] } {
  const failures: string[] = []
  let tried = 0
  let taken = 0
  const attempt = (octets: Buffer, what: string) => {
    tried++
    try {
      read(octets)
      taken++
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'KerberosError') failures.push(`${what}: ${error}`)
    }
  }
  for (let length = 0; length < message.length; length++) attempt(message.subarray(0, length), `cut at ${length}`)
  for (let bit = 0; bit < message.length * 8; bit++) {
    const forged = Buffer.from(message)
    forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7))
    attempt(forged, `bit ${bit} changed`)
  }
  for (let at = 0; at < message.length; at++) {
    for (const octet of [0x00, 0x7f, 0x80, 0x81, 0x84, 0xff]) {
      const forged = Buffer.from(message)
      forged[at] = octet
      attempt(forged, `octet ${at} is ${octet}`)
    }
    attempt(Buffer.concat([message.subarray(0, at), message.subarray(at + 1)]), `octet ${at} left out`)
    attempt(Buffer.concat([message.subarray(0, at), Buffer.from([0]), message.subarray(at)]), `an octet before ${at}`)
  }
  attempt(Buffer.concat([message, Buffer.from([0])]), 'an octet behind it')
  attempt(Buffer.concat([message, message]), 'twice')
  return { tried, taken, failures }
}
