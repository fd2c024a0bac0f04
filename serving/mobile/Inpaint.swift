// Not compiled here: a sketch of the calls. iOS, pod TensorFlowLiteSwift.
import Foundation
import TensorFlowLite

/// Fills the hole of an N x N photo. Use one from one thread at a time.
final class Inpaint {
    private let interpreter: Interpreter
    private let fill: SignatureRunner

    init(modelPath: String) throws {
        var options = Interpreter.Options()
        options.threadCount = 4
        interpreter = try Interpreter(modelPath: modelPath, options: options)
        fill = try interpreter.signatureRunner(with: "serving_default")
        try fill.allocateTensors()
    }

    /// RGB bytes, N x N x 3, and mask bytes, N x N, 255 = hole; RGB bytes come back.
    func callAsFunction(rgb: Data, mask: Data) throws -> Data {
        try fill.copy(rgb, toInputNamed: "image")
        try fill.copy(mask, toInputNamed: "mask")
        try fill.invoke()
        return try fill.output(named: "inpainted").data
    }
}
