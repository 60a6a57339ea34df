/** Each is told from the others on a light and on a dark ground, also by those who see red and green alike. */
export const COLOURS = {
  blue: '#3b82f6',
  orange: '#d9730d',
  green: '#2a9d6f',
  grey: '#848d97',
} as const
