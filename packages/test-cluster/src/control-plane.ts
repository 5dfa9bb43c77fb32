import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type CertificateFiles,
  freePort,
  type ServerCommand,
  ServerProcess,
  serverDirectory,
} from '@fractal-lba/test-servers'
import type { Access } from './access.js'
import type { ClusterPrograms } from './programs.js'
import { stages } from './stages.js'

type Command = Pick<ServerCommand, 'file' | 'args' | 'ready'>

/** Starts a server of the control plane, which has a directory of its own for what it keeps. */
async function start(
  name: string,
  commandIn: (directory: string) => Command,
  given?: string,
): Promise<ServerProcess> {
  const directory = given ?? (await serverDirectory(name, undefined))
  return ServerProcess.start(directory, { ...commandIn(directory), stopSignal: 'SIGTERM', user: undefined })
}

/** @returns etcd, and its URL for clients. What it keeps need not survive anything. */
export async function startEtcd({ etcd }: ClusterPrograms): Promise<{ server: ServerProcess; url: string }> {
  const [url, peerUrl] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`]
  const server = await start('etcd', (directory) => ({
    file: etcd,
    args: [
      `--data-dir=${join(directory, 'data')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      '--unsafe-no-fsync',
    ],
    ready: /ready to serve client requests/,
  }))
  return { server, url }
}

export interface ApiServerOptions {
  /** Goes with it. */
  readonly directory: string
  readonly etcdUrl: string
  readonly port: number
  readonly access: Access
  readonly certificate: CertificateFiles
}

export function startApiServer(
  { kubeApiserver }: ClusterPrograms,
  { directory, etcdUrl, port, access, certificate }: ApiServerOptions,
): Promise<ServerProcess> {
  const command = () => ({
    file: kubeApiserver,
    args: [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${certificate.cert}`,
      `--tls-private-key-file=${certificate.key}`,
      `--token-auth-file=${access.tokens}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${access.serviceAccountPublicKey}`,
      `--service-account-signing-key-file=${access.serviceAccountKey}`,
      // Nobody in a pod ever calls it: its pods are played.
      '--endpoint-reconciler-type=none',
    ],
    ready: /Serving securely on/,
  })
  return start('kube-apiserver', command, directory)
}

export function startControllerManager(
  { kubeControllerManager }: ClusterPrograms,
  access: Access,
  caFile: string,
): Promise<ServerProcess> {
  return start('kube-controller-manager', () => ({
    file: kubeControllerManager,
    args: [
      `--kubeconfig=${access.kubeconfig.controllerManager}`,
      `--service-account-private-key-file=${access.serviceAccountKey}`,
      `--root-ca-file=${caFile}`,
      '--use-service-account-credentials',
      '--leader-elect=false',
      '--secure-port=0',
      // Leases of played nodes come late on a busy machine, and kwok makes a pod ready only once.
      '--node-monitor-grace-period=24h',
    ],
    ready: /Caches are synced/,
  }))
}

export function startScheduler(
  { kubeScheduler }: ClusterPrograms,
  { kubeconfig }: Access,
): Promise<ServerProcess> {
  return start('kube-scheduler', () => ({
    file: kubeScheduler,
    args: [`--kubeconfig=${kubeconfig.scheduler}`, '--leader-elect=false', '--secure-port=0'],
    ready: /Starting Kubernetes Scheduler/,
  }))
}

/** Plays all nodes, their pods and their volumes: a pod that was given to a node is ready soon. */
export async function startKwok(
  { kwok, kwokFiles }: ClusterPrograms,
  { kubeconfig }: Access,
): Promise<ServerProcess> {
  return start('kwok', (directory) => {
    const config = join(directory, 'stages.yaml')
    writeFileSync(config, stages(kwokFiles))
    return {
      file: kwok,
      args: [`--kubeconfig=${kubeconfig.kwok}`, `--config=${config}`, '--manage-all-nodes=true'],
      ready: /./,
    }
  })
}
