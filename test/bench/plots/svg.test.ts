import { dot } from '@observablehq/plot'
import { expect, test } from 'vitest'
import { svgOf } from '../../../bench/plots/svg.ts'

const options = { marks: [dot([{ x: 1 / 3, y: 2 }], { x: 'x', y: 'y' })], x: { label: 'time, ms' } }

test('a plot is a file of its own, in colours that follow the reader, with its labels as text', () => {
  const svg = svgOf(options)
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\n$/su)
  expect(svg).toContain('prefers-color-scheme: dark')
  expect(svg).toContain('time, ms')
})

test('the same results are drawn the same, without digits that nobody sees', () => {
  const svg = svgOf(options)
  expect(svgOf(options)).toBe(svg)
  expect(svg).not.toMatch(/\d\.\d{3}/u)
})

test('an element a line, so that a difference shows where it is', () => {
  expect(svgOf(options)).not.toContain('><')
})
