/**
 * DER as Kerberos uses it: explicit tags, sequences of tagged fields. asn1js reads and writes it; here stands what it
 * leaves open: a check of structure before it sees a peer's octets (DER alone, bounded in size, depth and number), and
 * fields read by their tags so that whatever does not fit ends in a `KerberosError`.
 */
import { type BaseBlock, BitString, Constructed, fromBER, Integer, ObjectIdentifier, Primitive } from 'asn1js'
import { KerberosError } from '../kerberos-error.ts'

/** What can be put into a message. */
export type Encodable = BaseBlock

const UNIVERSAL = 1
const APPLICATION = 2
const CONTEXT = 3
const OCTET_STRING = 4
const ENUMERATED = 10
const SEQUENCE = 16
const GENERALIZED_TIME = 24
const GENERAL_STRING = 27

// ---- writing

/** The octets of an element. */
export function encode(element: Encodable): Buffer {
  return Buffer.from(element.toBER(false))
}

/** An element that is encoded already, taken as it stands: tag, length and content in DER. */
export function encoded(octets: Uint8Array): Encodable {
  const [tag = 0, length = 0] = octets
  const content = octets.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f))
  return verbatim((tag >> 6) + 1, tag & 0x1f, (tag & 0x20) !== 0, content)
}

/** `[APPLICATION tag]` around octets that need not be one element, as the framing of GSS has it. */
export function framing(tag: number, octets: Uint8Array): Encodable {
  return verbatim(APPLICATION, tag, true, octets)
}

/** SEQUENCE, also SEQUENCE OF; elements that are undefined (absent optional fields) are left out. */
export function sequence(...elements: (Encodable | undefined)[]): BaseBlock {
  return constructed(UNIVERSAL, SEQUENCE, elements)
}

/** `[tag] element`, explicit; undefined stays undefined, so that optional fields read like the others. */
export function field(tag: number, element: Encodable): BaseBlock
export function field(tag: number, element: Encodable | undefined): BaseBlock | undefined
export function field(tag: number, element: Encodable | undefined): BaseBlock | undefined {
  return element === undefined ? undefined : constructed(CONTEXT, tag, [element])
}

/** `[APPLICATION tag] element`, explicit. */
export function application(tag: number, element: Encodable): BaseBlock {
  return constructed(APPLICATION, tag, [element])
}

export function integer(value: number): BaseBlock {
  return new Integer({ value })
}

export function octetString(octets: Uint8Array): BaseBlock {
  return primitive(OCTET_STRING, octets)
}

/** GeneralString with UTF-8 in it, as Active Directory and newer KDCs have it; ASCII is what RFC 4120 promises. */
export function generalString(text: string): BaseBlock {
  return primitive(GENERAL_STRING, Buffer.from(text, 'utf8'))
}

/** KerberosTime: whole seconds (RFC 4120 §5.2.3); a fraction of the date is dropped. */
export function kerberosTime(date: Date): BaseBlock {
  return primitive(GENERALIZED_TIME, Buffer.from(kerberosTimeText(date), 'latin1'))
}

/** `20270131235959Z` */
export function kerberosTimeText(date: Date): string {
  const text = date.toISOString()
  const [year, month, day] = [text.slice(0, 4), text.slice(5, 7), text.slice(8, 10)]
  return `${year}${month}${day}${text.slice(11, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
}

/** KerberosFlags of 32 bits; bit 0 of the specification is the highest. */
export function flagBits(flags: number): BaseBlock {
  const octets = new Uint8Array(4)
  new DataView(octets.buffer).setUint32(0, flags >>> 0)
  return new BitString({ valueHex: octets, unusedBits: 0 })
}

export function objectIdentifier(value: string): BaseBlock {
  return new ObjectIdentifier({ value })
}

function constructed(tagClass: number, tagNumber: number, elements: (Encodable | undefined)[]): BaseBlock {
  const block = new Constructed({ idBlock: { tagClass, tagNumber } })
  for (const element of elements) if (element !== undefined) block.valueBlock.value.push(element)
  return block
}

function primitive(tagNumber: number, octets: Uint8Array): BaseBlock {
  return new Primitive({ idBlock: { tagClass: UNIVERSAL, tagNumber }, valueHex: octets })
}

/** RawData of asn1js writes nothing when it stands inside another element; a Primitive with any tag does. */
function verbatim(tagClass: number, tagNumber: number, isConstructed: boolean, content: Uint8Array): BaseBlock {
  const block = new Primitive({ idBlock: { tagClass, tagNumber }, valueHex: content })
  block.idBlock.isConstructed = isConstructed
  return block
}

// ---- reading

/** Bounds for what a peer sends. The largest honest message is a TGS-REP whose ticket carries a PAC of a person in a thousand groups. */
const MOST_OCTETS = 256 * 1024
const MOST_DEPTH = 24
const MOST_ELEMENTS = 4096

/** Universal types that occur in Kerberos and SPNEGO; NULL, BOOLEAN and the rest of ASN.1 do not. */
const KNOWN_TYPES = new Set([2, 3, 4, 6, 10, 12, 16, 24, 26, 27])

/** One element of a message that was read. */
export interface DerElement {
  readonly block: BaseBlock
  /** What it is, for messages: `AS-REP, field 5`. */
  readonly what: string
}

/**
 * Reads one element that fills the octets.
 * @param what what they should be, for messages.
 * @throws {KerberosError} `malformed` for anything but DER of the types Kerberos uses, within the bounds of size, depth
 * and number of elements.
 */
export function decode(octets: Uint8Array, what: string): DerElement {
  if (octets.length > MOST_OCTETS) throw malformed(what, `${octets.length} octets, at most ${MOST_OCTETS} are taken`)
  checkStructure(octets, what)
  // asn1js is quicker with a plain Uint8Array than with a Buffer.
  const view = new Uint8Array(octets.buffer, octets.byteOffset, octets.length)
  try {
    const { offset, result } = fromBER(view, { copyInput: false, parseEmbedded: false })
    if (offset === octets.length && !result.error) return { block: result, what }
  } catch (cause) {
    throw malformed(what, 'not readable', cause)
  }
  throw malformed(what, 'not readable')
}

/** The element as it stood in the message. */
export function encodedOf({ block }: DerElement): Buffer {
  return asBuffer(block.valueBeforeDecodeView)
}

/** The application tag of an element, or undefined where it has none: to tell messages apart. */
export function applicationTag({ block }: DerElement): number | undefined {
  return block.idBlock.tagClass === APPLICATION ? block.idBlock.tagNumber : undefined
}

/** What is inside `[APPLICATION tag]`. */
export function readApplication(element: DerElement, tag: number): DerElement {
  return inside(element, APPLICATION, tag)
}

/** What is inside `[tag]`. */
export function readContext(element: DerElement, tag: number): DerElement {
  return inside(element, CONTEXT, tag)
}

/** The fields of a SEQUENCE by their context tags. */
export interface DerFields {
  /** @throws {KerberosError} `malformed` where the field is absent. */
  required(tag: number): DerElement
  optional(tag: number): DerElement | undefined
}

/**
 * The fields of a SEQUENCE. Unknown tags are left alone, as the extension markers of the specifications ask.
 * @throws {KerberosError} `malformed` where it is no SEQUENCE of context tags in ascending order.
 */
export function readFields(element: DerElement): DerFields {
  const { what } = element
  const blocks = children(expectTag(element, UNIVERSAL, SEQUENCE, true))
  const fields = new Map<number, DerElement>()
  let last = -1
  for (const block of blocks) {
    const { tagClass, tagNumber } = block.idBlock
    const content = tagClass === CONTEXT && block.idBlock.isConstructed ? children(block) : []
    const inner = content[0]
    if (inner === undefined || content.length !== 1) throw malformed(what, 'a SEQUENCE of tagged fields expected')
    if (tagNumber <= last) throw malformed(what, `field ${tagNumber} after field ${last}`)
    last = tagNumber
    fields.set(tagNumber, { block: inner, what: `${what}, field ${tagNumber}` })
  }
  return {
    optional: (tag) => fields.get(tag),
    required: (tag) => {
      const found = fields.get(tag)
      if (found === undefined) throw malformed(what, `field ${tag} is missing`)
      return found
    },
  }
}

/** The elements of a SEQUENCE OF. */
export function readList(element: DerElement): DerElement[] {
  const blocks = children(expectTag(element, UNIVERSAL, SEQUENCE, true))
  return blocks.map((block, index) => ({ block, what: `${element.what}, element ${index}` }))
}

/** An INTEGER from −2³¹ to 2³²−1: Int32 and UInt32 of RFC 4120. */
export function readInteger(element: DerElement): number {
  return integerValue(element, 2)
}

/** An ENUMERATED. */
export function readEnumerated(element: DerElement): number {
  return integerValue(element, ENUMERATED)
}

/** An INTEGER that must have one value, such as a version. */
export function expectInteger(element: DerElement, expected: number): void {
  const value = readInteger(element)
  if (value !== expected) throw malformed(element.what, `${value} where ${expected} was expected`)
}

/** Microseconds: 0 to 999,999. */
export function readMicroseconds(element: DerElement): number {
  const value = readInteger(element)
  if (value < 0 || value > 999_999) throw malformed(element.what, `${value} microseconds`)
  return value
}

/** The octets of an OCTET STRING: a view into the message. */
export function readOctets(element: DerElement): Buffer {
  return contentOf(expectTag(element, UNIVERSAL, OCTET_STRING, false))
}

/** A GeneralString: UTF-8 without control characters, so that no name can carry a NUL or a line break. */
export function readString(element: DerElement): string {
  const octets = contentOf(expectTag(element, UNIVERSAL, GENERAL_STRING, false))
  let text: string
  try {
    text = utf8.decode(octets)
  } catch (cause) {
    throw malformed(element.what, 'not UTF-8', cause)
  }
  if (/\p{Cc}/u.test(text)) throw malformed(element.what, 'a control character in a name')
  return text
}

/** Text for people: whatever cannot be read in it is replaced. */
export function readText(element: DerElement): string {
  return contentOf(expectTag(element, UNIVERSAL, GENERAL_STRING, false)).toString('utf8')
}

/** The octets of a GeneralString, for a salt: it need not be text. */
export function readStringOctets(element: DerElement): Buffer {
  return contentOf(expectTag(element, UNIVERSAL, GENERAL_STRING, false))
}

/** A KerberosTime. */
export function readTime(element: DerElement): Date {
  const text = contentOf(expectTag(element, UNIVERSAL, GENERALIZED_TIME, false)).toString('latin1')
  const date = new Date(
    `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}T${text.slice(8, 10)}:${text.slice(10, 12)}:${text.slice(12)}`,
  )
  // The Date constructor takes 31 June for 1 July, and zones and fractions; the way back shows them.
  if (Number.isNaN(date.getTime()) || kerberosTimeText(date) !== text) throw malformed(element.what, 'not a time')
  return date
}

/** KerberosFlags: the first 32 bits, missing ones 0. */
export function readFlags(element: DerElement): number {
  const content = contentOf(expectTag(element, UNIVERSAL, 3, false))
  const unused = content[0]
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0))
    throw malformed(element.what, 'not a BIT STRING')
  let flags = 0
  for (let i = 1; i <= 4; i++) flags = (flags << 8) | (content[i] ?? 0)
  return flags >>> 0
}

/** An OBJECT IDENTIFIER as its content octets in hexadecimal: they are compared, never shown. */
export function readObjectIdentifier(element: DerElement): string {
  return contentOf(expectTag(element, UNIVERSAL, 6, false)).toString('hex')
}

/** Where in the octets that were decoded the content of a primitive element begins. */
export function contentOffset({ block }: DerElement, octets: Uint8Array): number {
  return contentOf(block).byteOffset - octets.byteOffset
}

export function malformed(what: string, why: string, cause?: unknown): KerberosError {
  return new KerberosError('malformed', `${what}: ${why}`, cause === undefined ? {} : { cause })
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function integerValue(element: DerElement, tag: number): number {
  const octets = contentOf(expectTag(element, UNIVERSAL, tag, false))
  const [first, second] = octets
  if (first === undefined || octets.length > 5) throw malformed(element.what, 'an INTEGER out of range')
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw malformed(element.what, 'an INTEGER with needless octets')
  }
  const value = octets.readIntBE(0, octets.length)
  if (value < -0x80000000 || value > 0xffffffff) throw malformed(element.what, 'an INTEGER out of range')
  return value
}

function inside(element: DerElement, tagClass: number, tag: number): DerElement {
  const content = children(expectTag(element, tagClass, tag, true))
  const inner = content[0]
  if (inner === undefined || content.length !== 1) throw malformed(element.what, 'one element expected inside the tag')
  return { block: inner, what: element.what }
}

function expectTag({ block, what }: DerElement, tagClass: number, tag: number, isConstructed: boolean): BaseBlock {
  const { idBlock } = block
  if (idBlock.tagClass !== tagClass || idBlock.tagNumber !== tag || idBlock.isConstructed !== isConstructed) {
    throw malformed(
      what,
      `tag ${tagName(idBlock.tagClass, idBlock.tagNumber)} where ${tagName(tagClass, tag)} was expected`,
    )
  }
  return block
}

function tagName(tagClass: number, tag: number): string {
  return `${['', 'UNIVERSAL', 'APPLICATION', 'CONTEXT', 'PRIVATE'][tagClass] ?? '?'} ${tag}`
}

function children(block: BaseBlock): BaseBlock[] {
  return (block as Constructed).valueBlock.value
}

function contentOf(block: BaseBlock): Buffer {
  const { valueBeforeDecodeView, idBlock, lenBlock } = block
  return asBuffer(valueBeforeDecodeView.subarray(idBlock.blockLength + lenBlock.blockLength))
}

function asBuffer(view: Uint8Array): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, view.length)
}

/**
 * Walks over tags and lengths: one element, nothing behind it, every length definite and as short as can be, every
 * element wholly inside the one around it. What passes cannot make the library recurse or allocate beyond the bounds.
 */
function checkStructure(octets: Uint8Array, what: string): void {
  let elements = 0
  const walk = (from: number, end: number, depth: number): number => {
    if (depth > MOST_DEPTH) throw malformed(what, `nested more than ${MOST_DEPTH} deep`)
    if (++elements > MOST_ELEMENTS) throw malformed(what, `more than ${MOST_ELEMENTS} elements`)
    if (end - from < 2) throw malformed(what, 'cut off')
    const tag = octets[from] as number
    const isConstructed = (tag & 0x20) !== 0
    const number = tag & 0x1f
    if (number === 0x1f) throw malformed(what, 'a tag number above 30')
    if (tag < 0x40 && (!KNOWN_TYPES.has(number) || isConstructed !== (number === SEQUENCE))) {
      throw malformed(what, `type ${number} does not occur in Kerberos`)
    }
    let at = from + 2
    let length = octets[from + 1] as number
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4) throw malformed(what, 'an indefinite or huge length')
      if (end - at < count) throw malformed(what, 'cut off')
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + (octets[at + i] as number)
      at += count
      if (length < 0x80 || length < 256 ** (count - 1)) throw malformed(what, 'a length with needless octets')
    }
    if (length > end - at) throw malformed(what, 'cut off')
    const stop = at + length
    if (isConstructed) while (at < stop) at = walk(at, stop, depth + 1)
    return stop
  }
  if (walk(0, octets.length, 1) !== octets.length) throw malformed(what, 'octets behind its end')
}
