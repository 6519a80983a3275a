import ArgumentParser
import FastCGI
import Glibc

/// Where settings come from, for every command that reads them.
struct SettingsOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Read settings from this file: lines NAME=value.", valueName: "file"))
    var config: String?

    /// Ends the program where the settings are not valid: one line each on standard error, exit code 78 (EX_CONFIG of sysexits.h).
    func load() throws -> Settings {
        let environment = Environment.variables
        do {
            return try SettingsReader.read(
                SettingsSource(environment: environment, configPath: config),
                inherited: InheritedSockets.find(environment: environment, processID: getpid()))
        } catch {
            for complaint in error.complaints { Console.error(complaint) }
            throw ExitCode(78)
        }
    }
}

enum Environment {
    /// The process's environment; a name that comes twice counts as its first.
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
        write("novatune-streamd: \(line)\n", to: STDERR_FILENO)
    }

    static func print(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        unsafe bytes.withUnsafeBytes { unsafe _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
