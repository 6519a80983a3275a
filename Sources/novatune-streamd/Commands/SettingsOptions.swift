import ArgumentParser
import FastCGI
import Glibc
import Logging
import Observability
import OperatorSettings
import ProviderKeys
import SigV4

/// Where settings come from, for every command that reads them.
struct SettingsOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Read settings from this file: lines NAME=value.", valueName: "file"))
    var config: String?

    /// EX_CONFIG of sysexits.h.
    static let invalidSettings = ExitCode(78)
    /// EX_UNAVAILABLE: the same settings may work the next time.
    static let unavailable = ExitCode(69)

    /// The operator's settings, not validated yet.
    var source: SettingsSource { SettingsSource(environment: Environment.variables, configPath: config) }

    /// Ends the program where the settings are not valid: one line for each error on standard error, exit code 78.
    func load(_ keySets: ProviderKeySets) throws -> LoadedSettings {
        let source = source
        return try Self.reportingErrors { () throws(SettingsError) in try Self.read(source, keySets) }
    }

    /// Reads settings; where they are wrong, prints the errors and exits.
    static func reportingErrors<Result>(_ read: () throws(SettingsError) -> Result) throws -> Result {
        do {
            return try read()
        } catch {
            for issue in error.issues { Console.error(issue.description) }
            throw error.isTemporary ? unavailable : invalidSettings
        }
    }

    /// - Parameter known: the store's credentials, where they have just been read.
    static func read(
        _ source: SettingsSource, _ keySets: ProviderKeySets, known: Credentials? = nil
    ) throws(SettingsError) -> LoadedSettings {
        try SettingsReader.read(source, inherited: inherited, keySets: keySets, known: known)
    }

    /// Without a command and without a service.
    static func readWithoutConnecting(_ source: SettingsSource) throws(SettingsError) -> LocalSettings {
        try SettingsReader.readWithoutConnecting(source, inherited: inherited)
    }

    /// Opens a socket; where that fails, prints why and exits with 71 (EX_OSERR).
    static func open(_ address: SocketAddress) throws -> ListeningSocket {
        do {
            return try ListeningSocket(address)
        } catch {
            Console.error("\(error)")
            throw ExitCode(71)
        }
    }

    static var inherited: [String: SocketAddress] {
        InheritedSockets.find(environment: Environment.variables, processID: getpid())
    }
}

enum Environment {
    /// The process's environment; of a name that occurs twice, the first counts.
    static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = unsafe environ
        while let pointer = unsafe entry.pointee {
            let text = unsafe String(cString: pointer)
            if let equals = text.firstIndex(of: "="), variables[String(text[..<equals])] == nil {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            unsafe entry += 1
        }
        return variables
    }
}

enum Console {
    static func error(_ line: String) {
        write("novatune-streamd: \(line)", .error, to: STDERR_FILENO)
    }

    /// - Parameter level: for the journal, where it reads standard output.
    static func print(_ line: String, _ level: Logger.Level = .info) {
        write(line, level, to: STDOUT_FILENO)
    }

    private static func write(_ line: String, _ level: Logger.Level, to descriptor: Int32) {
        let isReadByJournal = Journal.reads(descriptor, environment: Environment.variables)
        let bytes = Array((isReadByJournal ? "\(Journal.prefix(level))\(line)\n" : line + "\n").utf8)
        unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
