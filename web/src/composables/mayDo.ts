/**
 * Who may do what (docs/protocol.md section 4, the table): what to offer. The server decides.
 */

import type { Conversation, Role } from '@/contract/model'

/** This will say what the caller may do in a conversation. */
export function mayDo({ kind, role }: Pick<Conversation, 'kind' | 'role'>) {
  const shared = kind !== 'direct' && role !== null
  const leads = shared && role !== 'member'
  return {
    leave: shared,
    invite: leads || (shared && kind === 'group'),
    rename: leads,
    changeRoles: shared && role === 'owner',
    destroy: shared && role === 'owner',
    deleteOthers: leads,
  }
}

/** This will say whether somebody of one role may remove somebody of another. */
export function mayRemove(kind: Conversation['kind'], mine: Role | null, theirs: Role): boolean {
  if (kind === 'direct') return false
  return mine === 'owner' || (mine === 'admin' && theirs === 'member')
}
