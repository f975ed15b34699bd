import fc from 'fast-check'

import { GRACE, LINUS, ADA, World, type Deed } from './world'

const pick = fc.nat({ max: 40 })
const by = fc.constantFrom(ADA, GRACE, LINUS)

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('post' as const), by, mention: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('react' as const), pick, by, remove: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pin' as const), pick, remove: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('member' as const),
      who: fc.constantFrom(GRACE, LINUS),
      role: fc.constantFrom('owner' as const, 'admin' as const, 'member' as const),
      kind: fc.constantFrom('member.added' as const, 'member.removed' as const, 'member.role_changed' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('title' as const), title: fc.constantFrom('Engine room', 'Loom', 'Cards') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('novelty' as const) }) },
)

/** A conversation with a random past. */
export const world: fc.Arbitrary<World> = fc.array(deed, { minLength: 1, maxLength: 60 }).map((deeds) => {
  const made = new World()
  deeds.forEach((one) => made.perform(one))
  return made
})
