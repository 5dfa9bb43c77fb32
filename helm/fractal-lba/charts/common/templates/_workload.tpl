{{/* The Deployment or StatefulSet of a component. */}}
{{- define "common.workload" -}}
{{- $v := .values -}}
apiVersion: apps/v1
kind: {{ .spec.kind }}
metadata:
  name: {{ include "common.fullname" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  {{- if not (include "common.isAutoscaled" .) }}
  replicas: {{ $v.replicaCount | default 1 }}
  {{- end }}
  revisionHistoryLimit: {{ $v.revisionHistoryLimit }}
  selector:
    matchLabels:
      {{- include "common.selectorLabels" . | nindent 6 }}
  {{- if eq .spec.kind "StatefulSet" }}
  serviceName: {{ .spec.serviceName }}
  # One that does not start keeps no other from starting.
  podManagementPolicy: Parallel
  {{- with $v.updateStrategy }}
  updateStrategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .spec.claimRetention }}
  persistentVolumeClaimRetentionPolicy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- else }}
  {{- with .spec.strategy | default $v.updateStrategy }}
  strategy:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  template:
    {{- include "common.podTemplate" . | nindent 4 }}
  {{- with .spec.claims }}
  volumeClaimTemplates:
    {{- range . }}
    # No label of a version: claim templates cannot change.
    - apiVersion: v1
      kind: PersistentVolumeClaim
      metadata:
        name: {{ .name }}
        labels:
          {{- include "common.selectorLabels" $ | nindent 10 }}
      spec:
        {{- toYaml .spec | nindent 8 }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* A claim template's spec from a `persistence` block, or nothing where it asks for none. */}}
{{- define "common.claim" -}}
accessModes:
  {{- toYaml (.accessModes | default (list "ReadWriteOnce")) | nindent 2 }}
resources:
  requests:
    storage: {{ .size }}
{{- if .storageClass }}
storageClassName: {{ ternary "" .storageClass (eq .storageClass "-") | quote }}
{{- end }}
{{- end -}}
