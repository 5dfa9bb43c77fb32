import { GATEWAY_JOB } from '../rules/jobs.js'
import type { Dashboard, Row } from './dashboard.js'
import { sumRate } from './promql.js'

const keys: Row = {
  title: 'Keys',
  panels: [
    {
      kind: 'lines',
      title: 'Records by result, at each verifier',
      description: 'A verifier that refuses more than its siblings has other keys.',
      unit: 'reqps',
      queries: [
        { expr: sumRate('verifier_records_total', 'instance, result'), legend: '{{instance}} {{result}}' },
      ],
      runbooks: ['signature-spike'],
    },
    {
      kind: 'lines',
      title: 'Refused for the signature',
      description: 'Share of what came in.',
      unit: 'percentunit',
      queries: [
        {
          expr: `${sumRate(`flk_signature_err{${GATEWAY_JOB}}`)} / ${sumRate(`flk_ingest_total{${GATEWAY_JOB}}`)}`,
          legend: 'refused',
        },
      ],
      runbooks: ['signature-spike'],
    },
  ],
}

const ends: Row = {
  title: 'What ends',
  panels: [
    {
      kind: 'lines',
      title: 'Certificates: time left',
      description: 'Of the certificate in use; where its files are broken, that is the one before.',
      unit: 's',
      queries: [
        {
          expr: 'min by (job, use) (tls_certificate_not_after_timestamp_seconds - time())',
          legend: '{{job}} {{use}}',
        },
      ],
      runbooks: ['key-or-certificate-expiring'],
    },
    {
      kind: 'lines',
      title: 'Keys: time left in their windows',
      description: 'Keys without an end are not here.',
      unit: 's',
      queries: [
        { expr: 'min by (key) (verifier_key_not_after_timestamp_seconds - time())', legend: '{{key}}' },
      ],
      runbooks: ['key-or-certificate-expiring'],
    },
    {
      kind: 'lines',
      title: 'Records by key',
      description: 'Shows a rotation: when the old key is at nothing, it may go.',
      unit: 'reqps',
      queries: [{ expr: sumRate('verifier_key_records_total', 'key'), legend: '{{key}}' }],
      runbooks: ['key-or-certificate-expiring'],
    },
  ],
}

const outboxes: Row = {
  title: 'Agents',
  panels: [
    {
      kind: 'lines',
      title: 'Submissions by result',
      description: 'Attempts of all agents.',
      unit: 'reqps',
      queries: [{ expr: sumRate('agent_submissions_total', 'result'), legend: '{{result}}' }],
    },
    {
      kind: 'lines',
      title: 'Pending',
      description: 'Records without a verdict, in each outbox.',
      unit: 'short',
      queries: [{ expr: 'agent_outbox_pending', legend: '{{instance}}' }],
    },
    {
      kind: 'lines',
      title: 'Age of the oldest pending',
      description: 'Grows while an agent meets 503, 429 or nothing.',
      unit: 's',
      queries: [{ expr: 'agent_oldest_pending_seconds', legend: '{{instance}}' }],
      runbooks: ['availability-burn', 'rate-limiting'],
    },
    {
      kind: 'lines',
      title: 'Outboxes by state',
      description: 'Dead letters and conflicts wait for a person.',
      unit: 'short',
      queries: [{ expr: 'sum by (state) (agent_outbox_entries)', legend: '{{state}}' }],
      runbooks: ['signature-spike', 'dedup-conflicts'],
    },
    {
      kind: 'lines',
      title: 'Files',
      description: 'Of the watched directories, by what became of them.',
      unit: 'short',
      queries: [
        { expr: 'sum by (result) (agent_files_total)', legend: '{{result}}' },
        { expr: 'sum by (reason) (agent_files_not_shipped)', legend: 'not shipped: {{reason}}' },
      ],
    },
  ],
}

export const agents: Dashboard = {
  name: 'agents',
  title: 'Fractal LBA: keys and agents',
  description: 'Who signs with what, and what agents have not got rid of yet.',
  rows: [keys, ends, outboxes],
}
