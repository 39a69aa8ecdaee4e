{{- define "wechat-sidecar.fullname" -}}
{{- $own := .Release.Name -}}
{{- if not (contains .Chart.Name .Release.Name) -}}
{{- $own = printf "%s-%s" .Release.Name .Chart.Name -}}
{{- end -}}
{{- .Values.fullnameOverride | default $own | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Of a component, by (list . "hub"). They never change, so selectors can have them. */}}
{{- define "wechat-sidecar.selectorLabels" -}}
app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "wechat-sidecar.podLabels" -}}
{{ include "wechat-sidecar.selectorLabels" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/part-of: wechat-sidecar
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
{{- end -}}

{{- define "wechat-sidecar.labels" -}}
{{ include "wechat-sidecar.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Name, namespace and labels of an object, by (list . "hub" "-suffix"). */}}
{{- define "wechat-sidecar.metadata" -}}
{{ include "wechat-sidecar.clusterMetadata" . }}
namespace: {{ (index . 0).Release.Namespace }}
{{- end -}}

{{- define "wechat-sidecar.clusterMetadata" -}}
name: {{ include "wechat-sidecar.fullname" (index . 0) }}{{ index . 2 }}
labels: {{- include "wechat-sidecar.labels" . | nindent 2 }}
{{- end -}}

{{- define "wechat-sidecar.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "wechat-sidecar.hubUrl" -}}
{{ .Values.certManager.enabled | ternary "https" "http" }}://{{ include "wechat-sidecar.fullname" . }}-hub.{{ .Release.Namespace }}.svc:3882
{{- end -}}

{{- define "wechat-sidecar.simulatorUrl" -}}
http://{{ include "wechat-sidecar.fullname" . }}-simulator.{{ .Release.Namespace }}.svc:3884
{{- end -}}

{{- define "wechat-sidecar.store" -}}
{{- if .Values.hub.store -}}
{{ .Values.hub.store }}
{{- else if .Values.redis.enabled -}}
redis://{{ include "wechat-sidecar.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379/0
{{- end -}}
{{- end -}}

{{- define "wechat-sidecar.hubSettings" -}}
{{- if .Values.simulator.enabled -}}
apps:
  - appid: wx000000000000de30
    name: demo
    secretFile: /etc/wechat-sidecar/appsecrets/wx000000000000de30
upstreams: [{{ include "wechat-sidecar.simulatorUrl" . }}]
kubernetes:
  allow:
    - { namespace: default, serviceAccount: '*', apps: ['*'] }
{{- else -}}
{{ toYaml .Values.hub.settings }}
{{- end -}}
{{- end -}}

{{/* What every pod of ours has, by (list . "hub" values). */}}
{{- define "wechat-sidecar.podTemplate" -}}
{{- $values := index . 2 -}}
metadata:
  labels:
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "wechat-sidecar.podLabels" . | nindent 4 }}
  annotations:
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    kubectl.kubernetes.io/default-container: {{ index . 1 }}
{{- end -}}

{{- define "wechat-sidecar.podSpec" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
serviceAccountName: {{ include "wechat-sidecar.fullname" $root }}-{{ index . 1 }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  seccompProfile: { type: RuntimeDefault }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "wechat-sidecar.selectorLabels" . | nindent 8 }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What every container of ours has, by (list . resources). */}}
{{- define "wechat-sidecar.container" -}}
image: {{ include "wechat-sidecar.image" (index . 0) }}
{{- with (index . 0).Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
resources: {{- toYaml (index . 1) | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: { drop: [ALL] }
  readOnlyRootFilesystem: true
{{- end -}}

{{- define "wechat-sidecar.probes" -}}
startupProbe:
  httpGet: { path: /startupz, port: wechat-admin }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /livez, port: wechat-admin }
  periodSeconds: 10
readinessProbe:
  httpGet: { path: /readyz, port: wechat-admin }
  periodSeconds: 5
terminationMessagePolicy: FallbackToLogsOnError
{{- end -}}
