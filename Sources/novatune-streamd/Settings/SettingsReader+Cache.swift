import OperatorSettings
import SealedCache
import TLSClient

// Where the cache is, and how its server is verified.
extension SettingsReader {
    mutating func cache() -> CacheSettings? {
        let (url, prefix, timeout) = (value(CacheSetting.url), value(CacheSetting.prefix), value(CacheSetting.timeout))
        guard let url, let prefix, let timeout else { return nil }
        return CacheSettings(url: verified(url), prefix: prefix, timeout: timeout)
    }

    private mutating func verified(_ url: CacheURL) -> CacheURL {
        let files = TLSFiles(
            authorities: value(CacheSetting.certificateAuthorities), certificate: value(CacheSetting.clientCertificate),
            key: value(CacheSetting.clientKey))
        guard url.usesTLS else {
            for setting in [
                CacheSetting.certificateAuthorities, CacheSetting.clientCertificate, CacheSetting.clientKey,
            ]
            where source.text(setting) != nil {
                report(setting, "\(setting.name) is for a server that NOVATUNE_CACHE_URL names by rediss://; remove it")
            }
            return url
        }
        guard (files.certificate == nil) == (files.key == nil) else {
            let missing = files.key == nil ? CacheSetting.clientKey : CacheSetting.clientCertificate
            report(missing, "\(missing.name) is required with the other file of the client certificate")
            return url
        }
        do throws(TLSError) {
            return url.verified(by: try TLSContext(files))
        } catch {
            let setting: Setting<String> =
                switch error.code {
                case .certificateFile: CacheSetting.clientCertificate
                case .keyFile: CacheSetting.clientKey
                default: CacheSetting.certificateAuthorities
                }
            issues.append(SettingIssue(setting.declaration, reason: error.description))
            return url
        }
    }
}
