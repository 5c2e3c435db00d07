/**
 * DER as Kerberos uses it, read by asn1js; here stands what that leaves open: fields by their tags, numbers, names and
 * times within their bounds, so that whatever does not fit ends in a `KerberosError`.
 */
import { type BaseBlock, type Constructed, fromBER } from 'asn1js'
import { checkStructure, malformed } from './der-structure.ts'
import { TagClass, UniversalType } from './der-tags.ts'
import { kerberosTimeText } from './der-writer.ts'

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
  return block.idBlock.tagClass === TagClass.APPLICATION ? block.idBlock.tagNumber : undefined
}

/** What is inside `[APPLICATION tag]`. */
export function readApplication(element: DerElement, tag: number): DerElement {
  return inside(element, TagClass.APPLICATION, tag)
}

/** What is inside `[tag]`. */
export function readContext(element: DerElement, tag: number): DerElement {
  return inside(element, TagClass.CONTEXT, tag)
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
  const blocks = children(expectTag(element, TagClass.UNIVERSAL, UniversalType.SEQUENCE, true))
  const fields = new Map<number, DerElement>()
  let last = -1
  for (const block of blocks) {
    const { tagClass, tagNumber } = block.idBlock
    const content = tagClass === TagClass.CONTEXT && block.idBlock.isConstructed ? children(block) : []
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
  const blocks = children(expectTag(element, TagClass.UNIVERSAL, UniversalType.SEQUENCE, true))
  return blocks.map((block, index) => ({ block, what: `${element.what}, element ${index}` }))
}

/** An INTEGER from −2³¹ to 2³²−1: Int32 and UInt32 of RFC 4120. */
export function readInteger(element: DerElement): number {
  return integerValue(element, UniversalType.INTEGER)
}

/** An ENUMERATED. */
export function readEnumerated(element: DerElement): number {
  return integerValue(element, UniversalType.ENUMERATED)
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
  return contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.OCTET_STRING, false))
}

/** A GeneralString: UTF-8 without control characters, so that no name can carry a NUL or a line break. */
export function readString(element: DerElement): string {
  const octets = contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.GENERAL_STRING, false))
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
  return contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.GENERAL_STRING, false)).toString('utf8')
}

/** The octets of a GeneralString, for a salt: it need not be text. */
export function readStringOctets(element: DerElement): Buffer {
  return contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.GENERAL_STRING, false))
}

/** A KerberosTime. */
export function readTime(element: DerElement): Date {
  const text = contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.GENERALIZED_TIME, false)).toString(
    'latin1',
  )
  const date = new Date(
    `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}T${text.slice(8, 10)}:${text.slice(10, 12)}:${text.slice(12)}`,
  )
  // The Date constructor takes 31 June for 1 July, and zones and fractions; the way back shows them.
  if (Number.isNaN(date.getTime()) || kerberosTimeText(date) !== text) throw malformed(element.what, 'not a time')
  return date
}

/** KerberosFlags: the first 32 bits, missing ones 0. */
export function readFlags(element: DerElement): number {
  const content = contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.BIT_STRING, false))
  const unused = content[0]
  if (unused === undefined || unused > 7 || (content.length === 1 && unused > 0))
    throw malformed(element.what, 'not a BIT STRING')
  let flags = 0
  for (let i = 1; i <= 4; i++) flags = (flags << 8) | (content[i] ?? 0)
  return flags >>> 0
}

/** An OBJECT IDENTIFIER as its content octets in hexadecimal: they are compared, never shown. */
export function readObjectIdentifier(element: DerElement): string {
  return contentOf(expectTag(element, TagClass.UNIVERSAL, UniversalType.OBJECT_IDENTIFIER, false)).toString('hex')
}

/** Where in the octets that were decoded the content of a primitive element begins. */
export function contentOffset({ block }: DerElement, octets: Uint8Array): number {
  return contentOf(block).byteOffset - octets.byteOffset
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function integerValue(element: DerElement, tag: number): number {
  const octets = contentOf(expectTag(element, TagClass.UNIVERSAL, tag, false))
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
