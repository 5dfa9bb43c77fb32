import type { Dashboard, Row } from './dashboard.js'
import { quantiles, rate, sumRate } from './promql.js'

const store: Row = {
  title: 'Store',
  panels: [
    {
      kind: 'lines',
      title: 'Up',
      description: '1 while dedup can ask its store.',
      unit: 'none',
      queries: [{ expr: 'dedup_store_up', legend: '{{backend}} {{instance}}' }],
      runbooks: ['dedup-outage'],
    },
    {
      kind: 'lines',
      title: 'Operations',
      description:
        'Time that one operation on a batch of ids took. Above 100 ms at the 95th percentile an alert is sent.',
      unit: 's',
      queries: quantiles('dedup_operation_duration_seconds_bucket', 'backend, operation'),
      thresholds: [{ from: 0.1, color: 'red' }],
      runbooks: ['store-slowness'],
    },
    {
      kind: 'lines',
      title: 'Batches',
      description: 'Operations a second.',
      unit: 'reqps',
      queries: [
        { expr: sumRate('dedup_operation_duration_seconds_count', 'operation'), legend: '{{operation}}' },
      ],
    },
    {
      kind: 'lines',
      title: 'Findings',
      description: 'Ids a second, by what was found under them; own: new, or put by the same submission.',
      unit: 'reqps',
      queries: [
        {
          expr: sumRate('dedup_findings_total', 'operation, finding'),
          legend: '{{operation}} {{finding}}',
        },
      ],
      runbooks: ['duplicate-flood', 'dedup-conflicts'],
    },
    {
      kind: 'lines',
      title: 'Remembered ids',
      description: 'What the store holds.',
      unit: 'short',
      queries: [{ expr: 'dedup_remembered_ids', legend: '{{instance}}' }],
      runbooks: ['memory-pressure'],
    },
  ],
}

const index: Row = {
  title: 'Index of the logs',
  panels: [
    {
      kind: 'lines',
      title: 'Filled',
      description: 'How much of the logs the fill under way has read; 503 until it is 1.',
      unit: 'percentunit',
      queries: [{ expr: 'dedup_fill_progress_ratio', legend: '{{instance}}' }],
      runbooks: ['server-errors', 'dedup-outage'],
    },
    {
      kind: 'lines',
      title: 'Marks read',
      description: 'Read back from the logs, a second.',
      unit: 'reqps',
      queries: [{ expr: rate('dedup_marks_read_total'), legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Fills',
      description: 'Begun since the process started.',
      unit: 'none',
      queries: [{ expr: 'dedup_fills_total', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Corrections and conflicts of marks',
      description:
        'Entries of the store that differed from their mark; marks that contradict each other, which no fault may produce.',
      unit: 'none',
      queries: [
        { expr: 'dedup_store_corrections_total', legend: 'corrected {{instance}}' },
        { expr: 'dedup_integrity_conflicts_total', legend: 'contradictions {{instance}}' },
      ],
      thresholds: [{ from: 1, color: 'red' }],
      runbooks: ['integrity-conflict'],
    },
    {
      kind: 'lines',
      title: 'Snapshots that failed',
      description: 'Of the memory index, since the process started.',
      unit: 'none',
      queries: [{ expr: 'dedup_snapshot_failures_total', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Jump of the clock',
      description: 'How far the wall clock has jumped ahead since the start; nothing expires by it.',
      unit: 's',
      queries: [{ expr: 'dedup_clock_jump_seconds', legend: '{{instance}}' }],
      runbooks: ['clock-off'],
    },
  ],
}

export const stores: Dashboard = {
  name: 'stores',
  title: 'Fractal LBA: stores',
  description: 'How dedup’s store answers, and how the index follows the logs.',
  rows: [store, index],
}
