/** What every label and annotation of ours begins with. */
export const PREFIX = 'wechat-sidecar.io/';
export const INJECT_LABEL: string = `${PREFIX}inject`;
/** Written back, for selectors of network policies and pod monitors. */
export const INJECTED_LABEL: string = `${PREFIX}injected`;
/** Written back: JSON with the version and the mode. */
export const STATUS_ANNOTATION: string = `${PREFIX}status`;
/** Written back where the hub has a private authority: its certificates, which the pod mounts from here. */
export const HUB_CA_ANNOTATION: string = `${PREFIX}hub-ca`;

export const CONTAINER_NAME = 'wechat-sidecar';
export const VOLUME_NAME = 'wechat-sidecar-hub';
export const ADMIN_PORT_NAME = 'wechat-admin';
/** The sidecar's credential for the hub, and where the hub has one, its authority. */
export const MOUNT_PATH = '/var/run/secrets/wechat-sidecar';
export const URL_VARIABLE = 'WECHAT_SIDECAR_URL';
