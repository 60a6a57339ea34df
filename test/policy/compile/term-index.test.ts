import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TermIndex } from '../../../src/policy/compile/term-index.ts'
import type { PodTrait, TraitId } from '../../../src/policy/compile/traits.ts'
import type { Labels, Pod } from '../../../src/policy/model.ts'
import { matches } from '../../../src/policy/selector.ts'
import { NAMESPACES, labels, namespace, pod, selector } from '../arbitraries.ts'
import { check } from '../property.ts'

const term = fc
  .record({ namespaces: fc.oneof(selector, fc.constantFrom(...NAMESPACES)), pods: selector })
  .map((of): Omit<PodTrait, 'id'> => ({ kind: 'pods', key: '', holders: 1, ...of }))

test('the index finds the terms that a plain reading of them finds', () => {
  const inputs = [
    fc.array(term, { maxLength: 12, size: 'max' }),
    fc.nat(),
    fc.array(namespace),
    pod,
  ] as const
  const property = fc.property(...inputs, (contents, gone, known, of) => {
    const terms = contents.map((content, index) => ({ ...content, id: (index + 1) as TraitId }))
    const index = new TermIndex()
    for (const one of terms) index.add(one)
    const its = known.find(({ name }) => name === of.namespace)?.labels
    expect(index.matching(of, its)).toEqual(plain(terms, of, its))
    const left = terms.filter((_, at) => at % 3 !== gone % 3)
    for (const one of terms) if (!left.includes(one)) index.remove(one)
    expect(index.matching(of, its)).toEqual(plain(left, of, its))
  })
  check('terms', 1000, property)
})

function plain(terms: readonly PodTrait[], of: Pod, its: Labels | undefined): TraitId[] {
  const met = terms.filter(({ namespaces, pods }) => {
    if (!matches(pods, of.labels)) return false
    if (typeof namespaces === 'string') return namespaces === of.namespace
    return its === undefined ? namespaces.requirements.length === 0 : matches(namespaces, its)
  })
  return met.map(({ id }) => id)
}

test('labels of a namespace count anew once they have changed', () => {
  const property = fc.property(term, labels, labels, pod, (content, before, after, of) => {
    const one = { ...content, id: 1 as TraitId }
    const index = new TermIndex()
    index.add(one)
    index.matching(of, before)
    index.relabelled(of.namespace)
    expect(index.matching(of, after)).toEqual(plain([one], of, after))
  })
  check('relabelled', 300, property)
})
