/**
 * A pod as an API server sends it, of a Deployment of ten: what kubelet and controllers write into it included,
 * for that is most of it.
 */
export function podText(index: number): string {
  return JSON.stringify(podObject(index))
}

function podObject(index: number): object {
  const app = `app-${Math.floor(index / 10)}`
  const uid = `7c9e6679-7425-40de-944b-${String(index).padStart(12, '0')}`
  const name = `${app}-6d4cf56db6-${index.toString(36).padStart(5, 'x')}`
  const labels = { app, 'pod-template-hash': '6d4cf56db6', team: `team-${index % 50}`, tier: 'web' }
  const ip = `10.${128 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
  const time = '2026-11-02T10:20:30Z'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${app}-6d4cf56db6-`,
      namespace: `team-${Math.floor(index / 500)}`,
      uid,
      resourceVersion: String(1_000 + index),
      creationTimestamp: time,
      labels,
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-6d4cf56db6`,
          uid,
          controller: true,
        },
      ],
      managedFields: managedFields(time, uid),
    },
    spec: specOf(index, app),
    status: statusOf(index, app, ip, time),
  }
}

function managedFields(time: string, uid: string): object[] {
  const container = {
    '.': {},
    'f:image': {},
    'f:imagePullPolicy': {},
    'f:name': {},
    'f:ports': { '.': {}, 'k:{"containerPort":8080,"protocol":"TCP"}': { 'f:containerPort': {} } },
    'f:resources': {},
    'f:terminationMessagePath': {},
  }
  const conditions = ['ContainersReady', 'Initialized', 'Ready'].map((type) => [
    `k:{"type":"${type}"}`,
    { '.': {}, 'f:lastProbeTime': {}, 'f:lastTransitionTime': {}, 'f:status': {}, 'f:type': {} },
  ])
  return [
    {
      manager: 'kube-controller-manager',
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': {
          'f:generateName': {},
          'f:labels': { '.': {}, 'f:app': {}, 'f:pod-template-hash': {} },
          'f:ownerReferences': { '.': {}, [`k:{"uid":"${uid}"}`]: {} },
        },
        'f:spec': { 'f:containers': { 'k:{"name":"main"}': container }, 'f:dnsPolicy': {} },
      },
    },
    {
      manager: 'kubelet',
      operation: 'Update',
      apiVersion: 'v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:status': { 'f:conditions': Object.fromEntries(conditions), 'f:podIPs': {} } },
      subresource: 'status',
    },
  ]
}

function specOf(index: number, app: string): object {
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
  return {
    volumes: [{ name: 'kube-api-access', projected: { defaultMode: 420, sources: [] } }],
    containers: [
      {
        name: 'main',
        image: `registry.example/${app}:1.2.3`,
        ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
        env: [{ name: 'LOG_LEVEL', value: 'info' }],
        resources: { limits: { memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
        volumeMounts: [{ name: 'kube-api-access', readOnly: true, mountPath }],
        terminationMessagePath: '/dev/termination-log',
        imagePullPolicy: 'IfNotPresent',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    nodeName: `node-${index % 1_000}`,
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    ],
  }
}

function statusOf(index: number, app: string, ip: string, time: string): object {
  const hash = index.toString(16).padStart(64, 'a')
  return {
    phase: 'Running',
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: time,
    })),
    hostIP: '10.0.0.7',
    podIP: ip,
    podIPs: [
      { ip },
      {
        ip: `fd00:10::${index
          .toString(16)
          .padStart(5, '0')
          .replace(/(.{4})$/, ':$1')}`,
      },
    ],
    startTime: time,
    containerStatuses: [
      {
        name: 'main',
        state: { running: { startedAt: time } },
        ready: true,
        restartCount: 0,
        image: `registry.example/${app}:1.2.3`,
        imageID: `registry.example/${app}@sha256:${hash}`,
        containerID: `containerd://${hash}`,
      },
    ],
    qosClass: 'Burstable',
  }
}
