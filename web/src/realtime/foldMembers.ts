/**
 * How events change the list of members, once it is loaded. Idempotent.
 */

import type { ChatEvent } from '@/contract/events'
import type { Member } from '@/contract/model'

type Members = readonly Member[]

/** This will fold one event into the members. */
export function foldMembers(members: Members, event: ChatEvent): Members {
  switch (event.kind) {
    case 'member.added':
    case 'member.role_changed': {
      const { user_id: id, username, role } = event.data
      if (members.some((member) => member.user.id === id)) {
        return members.map((member) => (member.user.id === id ? { ...member, role } : member))
      }
      return event.kind === 'member.added'
        ? [...members, { user: { id, username, display_name: '' }, role, joined_at: event.at }]
        : members
    }
    case 'member.removed':
      return members.filter((member) => member.user.id !== event.data.user_id)
    default:
      return members
  }
}
