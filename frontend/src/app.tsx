export function App() {
  return <main>Maskmill</main>;
}
