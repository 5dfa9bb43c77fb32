export { type Clock, TrustedClock, watchClock } from '@fractal-lba/runtime'
