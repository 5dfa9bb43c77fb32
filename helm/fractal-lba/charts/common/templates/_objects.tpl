{{- define "common.serviceAccount" -}}
{{- if .values.serviceAccount.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "common.serviceAccountName" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: {{ .values.serviceAccount.automountServiceAccountToken }}
{{- end -}}
{{- end -}}

{{/*
A Service of a component. `service` has: suffix (of the name), type, headless, publishNotReady, annotations, extra (more
fields of its spec), and ports: a list of name, port, targetPort, nodePort, appProtocol.
*/}}
{{- define "common.service" -}}
{{- $s := .service -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "common.fullname" .component }}{{ $s.suffix | default "" }}
  labels:
    {{- include "common.labels" .component | nindent 4 }}
    {{- with $s.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $s.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ $s.type | default "ClusterIP" }}
  {{- if $s.headless }}
  clusterIP: None
  {{- end }}
  {{- if $s.publishNotReady }}
  publishNotReadyAddresses: true
  {{- end }}
  {{- with $s.extra }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  ports:
    {{- range $s.ports }}
    - name: {{ .name }}
      port: {{ .port }}
      targetPort: {{ .targetPort | default .name }}
      protocol: TCP
      {{- with .appProtocol }}
      appProtocol: {{ . }}
      {{- end }}
      {{- if and .nodePort (ne ($s.type | default "ClusterIP") "ClusterIP") }}
      nodePort: {{ .nodePort }}
      {{- end }}
    {{- end }}
  selector:
    {{- include "common.selectorLabels" .component | nindent 4 }}
{{- end -}}

{{/* Something where the component has an autoscaler, which then owns the number of its pods. */}}
{{- define "common.isAutoscaled" -}}
{{- if and .spec.mayScale .values.autoscaling.enabled }}yes{{ end -}}
{{- end -}}

{{- define "common.autoscaler" -}}
{{- if include "common.isAutoscaled" . -}}
{{- $a := .values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "common.fullname" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: {{ .spec.kind }}
    name: {{ include "common.fullname" . }}
  minReplicas: {{ $a.minReplicas }}
  maxReplicas: {{ $a.maxReplicas }}
  metrics:
    {{- with $a.targetCPU }}
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
    {{- with $a.targetMemory }}
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
  {{- with $a.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* How many pods there are at the least. */}}
{{- define "common.replicasMin" -}}
{{- ternary (int .values.autoscaling.minReplicas) (int .values.replicaCount) (ne (include "common.isAutoscaled" .) "") -}}
{{- end -}}

{{- define "common.disruptionBudget" -}}
{{- $b := .values.podDisruptionBudget -}}
{{- if $b.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "common.fullname" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  {{- if kindIs "invalid" $b.minAvailable }}
  maxUnavailable: {{ $b.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $b.minAvailable }}
  {{- end }}
  # A pod that is not ready may always be evicted: it serves nobody, and would keep its node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}
