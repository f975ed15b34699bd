import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

import { encodeFrame, parseFrame } from '@/realtime/codec'
import { readEvent } from '@/realtime/eventCodec'

/** The samples that the services, the Python client and docs/protocol.md are held against as well (tests/contract). */
function samples(name: string): Record<string, unknown>[] {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../tests/contract/samples', name), 'utf8')) as Record<string, unknown>[]
}

describe('the samples of the contract', () => {
  it.each(samples('server_frames.json'))('are read: a frame of type $type', (sample) => {
    const frame = parseFrame(JSON.stringify(sample))
    expect(frame?.type).toBe(sample.type)
    for (const field of ['conversation', 'seq', 'last_seq', 'message_id', 'code', 'n'] as const) {
      if (field in sample && frame !== null && field in frame) expect(frame[field as keyof typeof frame]).toEqual(sample[field])
    }
  })

  it.each(samples('events.json'))('are read: an event of kind $kind', (sample) => {
    expect(readEvent(sample)).toMatchObject({ conversation: sample.conversation, seq: sample.seq, kind: sample.kind })
  })

  it('are written: each frame that this client sends comes out with its type first', () => {
    for (const sample of samples('client_frames.json')) {
      const text = encodeFrame(sample as Parameters<typeof encodeFrame>[0])
      expect(text.startsWith(`{"type":"${String(sample.type)}"`)).toBe(true)
      expect(JSON.parse(text)).toEqual(sample)
    }
  })
})
