import { basename } from 'node:path'
import type { CheckedAssertion } from './check-assertion.ts'

/** The report that CI systems read: a suite a file, a case an assertion. */
export function junitReport(checked: readonly CheckedAssertion[], seconds: number): string {
  const suites = [...Map.groupBy(checked, ({ assertion }) => assertion.file)]
  const counts = `tests="${checked.length}" failures="${failuresIn(checked)}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="sluice test" ${counts} time="${seconds.toFixed(3)}">`,
    ...suites.flatMap(([file, cases]) => suiteLines(file, cases)),
    '</testsuites>',
    '',
  ].join('\n')
}

function suiteLines(file: string, cases: readonly CheckedAssertion[]): string[] {
  const counts = `tests="${cases.length}" failures="${failuresIn(cases)}"`
  return [
    `  <testsuite name="${escaped(file)}" ${counts}>`,
    ...cases.flatMap((one) => caseLines(one)),
    '  </testsuite>',
  ]
}

function caseLines({ assertion, failure }: CheckedAssertion): string[] {
  const { file, line, name, subject, expect } = assertion
  const title = escaped(name === '' ? `${subject} ${expect}` : name)
  const attributes = `name="${title}" classname="${escaped(basename(file))}" file="${escaped(file)}" line="${line}"`
  if (failure === undefined) return [`    <testcase ${attributes}/>`]
  return [
    `    <testcase ${attributes}>`,
    `      <failure message="${escaped(failure)}"/>`,
    '    </testcase>',
  ]
}

function failuresIn(checked: readonly CheckedAssertion[]): number {
  return checked.filter(({ failure }) => failure !== undefined).length
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** Control characters have no place in XML 1.0 (section 2.2), not even escaped. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"]/gu, (character) => ENTITIES[character] ?? '')
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ')
}
