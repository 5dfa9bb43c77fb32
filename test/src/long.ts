/** Whether this is the long form, of many rounds (npm run test:fault); the short one is part of npm test. */
export const isLong = process.env.FLK_LONG === '1'
