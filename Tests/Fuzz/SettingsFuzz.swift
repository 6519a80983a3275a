import Glibc
import S3ObjectStore

// Compiled together with the settings of the program, which are no module of their own.

/// Secrets that stand beside whatever the file says.
private let secrets = [
    "NOVATUNE_S3_SECRET_ACCESS_KEY": "canary-of-the-store", "NOVATUNE_JWT_HS256_SECRET": "canary-of-the-tokens-of-32-bytes-and-more",
    "NOVATUNE_DATABASE_URL": "postgresql://u:canary-of-the-database@h/d",
    // What would start a program or ask a service is switched off, whatever the file says.
    "NOVATUNE_CACHE_KEYS_COMMAND": "", "NOVATUNE_KMS_KEY_ID": "",
]

private let path = "/dev/shm/novatune-settings-fuzz-\(getpid())"

/// A file of any content is either settings, or complaints, of which none shows a secret.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    precondition(descriptor >= 0 && write(descriptor, start, count) == count)
    close(descriptor)
    defer { unlink(path) }
    for environment in [secrets, [:]] {
        let source = SettingsSource(environment: environment.isEmpty ? switchedOff : environment, configPath: path)
        do {
            let loaded = try SettingsReader.read(source, inherited: [:])
            precondition(loaded.settings.cacheTTLBuffer < loaded.settings.s3.presignExpiry && (1...16).contains(loaded.settings.loops))
            precondition(!"\(loaded)".contains("canary"))
        } catch {
            precondition(!error.complaints.isEmpty && error.complaints.allSatisfy { !$0.isEmpty && !$0.contains("canary") })
        }
    }
    return 0
}

private let switchedOff = secrets.filter { $0.value.isEmpty }
