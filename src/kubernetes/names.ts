/** The prefix of all our labels and annotations. */
export const PREFIX = 'wechat-sidecar.io/';
export const INJECT_LABEL: string = `${PREFIX}inject`;
/** Set on injected pods, as a selector for network policies and pod monitors. */
export const INJECTED_LABEL: string = `${PREFIX}injected`;
/** Set on injected pods: JSON with the version and the mode. */
export const STATUS_ANNOTATION: string = `${PREFIX}status`;
/** Set if the hub has a private CA: its certificates, which the pod mounts from here. */
export const HUB_CA_ANNOTATION: string = `${PREFIX}hub-ca`;

export const CONTAINER_NAME = 'wechat-sidecar';
export const VOLUME_NAME = 'wechat-sidecar-hub';
export const ADMIN_PORT_NAME = 'wechat-admin';
/** The sidecar's credential for the hub and, if the hub has a private CA, its certificates. */
export const MOUNT_PATH = '/var/run/secrets/wechat-sidecar';
export const URL_VARIABLE = 'WECHAT_SIDECAR_URL';
